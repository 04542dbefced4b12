//! Sampling and queuing ports.

use a653rs::bindings::{
    ApexQueuingPortP1, ApexQueuingPortP4, ApexSamplingPortP1, ApexSamplingPortP4,
    ApexSamplingPortStatus, ApexSystemTime, ErrorReturnCode, MessageRange, MessageSize,
    PortDirection, QueueOverflow, QueuingDiscipline, QueuingPortId, QueuingPortName,
    QueuingPortStatus, SamplingPortId, SamplingPortName, Validity,
};
use cofferdam_apex_native::apex::{self, SystemTime};

use crate::convert::*;
use crate::{Cofferdam, Services};

fn sampling(number: SamplingPortId) -> apex::SamplingPortId {
    apex::SamplingPortId(identifier(number))
}

fn queuing(number: QueuingPortId) -> apex::QueuingPortId {
    apex::QueuingPortId(identifier(number))
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexSamplingPortP4
    for Cofferdam<S, PROCESSES>
{
    fn create_sampling_port(
        sampling_port_name: SamplingPortName,
        max_message_size: MessageSize,
        port_direction: PortDirection,
        refresh_period: ApexSystemTime,
    ) -> Result<SamplingPortId, ErrorReturnCode> {
        let created = Self::apex().create_sampling_port(
            &name(sampling_port_name),
            size(max_message_size),
            direction_of(port_direction),
            SystemTime(refresh_period),
        );
        answer(created, |port| port.0.into())
    }

    fn write_sampling_message(
        sampling_port_id: SamplingPortId,
        message: &[u8],
    ) -> Result<(), ErrorReturnCode> {
        done(Self::apex().write_sampling_message(sampling(sampling_port_id), message))
    }

    unsafe fn read_sampling_message(
        sampling_port_id: SamplingPortId,
        message: &mut [u8],
    ) -> Result<(Validity, MessageSize), ErrorReturnCode> {
        let read = Self::apex().read_sampling_message(sampling(sampling_port_id), message);
        answer(read, |read| (validity(read.valid), length_of(read.length)))
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexSamplingPortP1
    for Cofferdam<S, PROCESSES>
{
    fn get_sampling_port_id(
        sampling_port_name: SamplingPortName,
    ) -> Result<SamplingPortId, ErrorReturnCode> {
        let found = Self::apex().get_sampling_port_id(&name(sampling_port_name));
        answer(found, |port| port.0.into())
    }

    fn get_sampling_port_status(
        sampling_port_id: SamplingPortId,
    ) -> Result<ApexSamplingPortStatus, ErrorReturnCode> {
        let status = Self::apex().get_sampling_port_status(sampling(sampling_port_id));
        answer(status, |status| ApexSamplingPortStatus {
            refresh_period: status.refresh.0,
            max_message_size: status.message_bytes,
            port_direction: direction(status.direction),
            last_msg_validity: validity(status.last_message_valid),
        })
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexQueuingPortP4 for Cofferdam<S, PROCESSES> {
    fn create_queuing_port(
        queuing_port_name: QueuingPortName,
        max_message_size: MessageSize,
        max_nb_message: MessageRange,
        port_direction: PortDirection,
        queuing_discipline: QueuingDiscipline,
    ) -> Result<QueuingPortId, ErrorReturnCode> {
        let created = Self::apex().create_queuing_port(
            &name(queuing_port_name),
            size(max_message_size),
            size(max_nb_message),
            direction_of(port_direction),
            discipline_of(queuing_discipline),
        );
        answer(created, |port| port.0.into())
    }

    fn send_queuing_message(
        queuing_port_id: QueuingPortId,
        message: &[u8],
        time_out: ApexSystemTime,
    ) -> Result<(), ErrorReturnCode> {
        let port = queuing(queuing_port_id);
        done(Self::apex().send_queuing_message(port, message, SystemTime(time_out)))
    }

    unsafe fn receive_queuing_message(
        queuing_port_id: QueuingPortId,
        time_out: ApexSystemTime,
        message: &mut [u8],
    ) -> Result<(MessageSize, QueueOverflow), ErrorReturnCode> {
        let port = queuing(queuing_port_id);
        let received = Self::apex().receive_queuing_message(port, SystemTime(time_out), message);
        answer(received, |received| {
            (length_of(received.length), received.overflowed)
        })
    }

    fn get_queuing_port_status(
        queuing_port_id: QueuingPortId,
    ) -> Result<QueuingPortStatus, ErrorReturnCode> {
        let status = Self::apex().get_queuing_port_status(queuing(queuing_port_id));
        answer(status, |status| QueuingPortStatus {
            nb_message: status.messages,
            max_nb_message: status.messages_max,
            max_message_size: status.message_bytes,
            port_direction: direction(status.direction),
            waiting_processes: size(status.waiting_processes),
        })
    }

    fn clear_queuing_port(queuing_port_id: QueuingPortId) -> Result<(), ErrorReturnCode> {
        done(Self::apex().clear_queuing_port(queuing(queuing_port_id)))
    }
}

impl<S: Services<PROCESSES>, const PROCESSES: usize> ApexQueuingPortP1 for Cofferdam<S, PROCESSES> {
    fn get_queuing_port_id(
        queuing_port_name: QueuingPortName,
    ) -> Result<QueuingPortId, ErrorReturnCode> {
        let found = Self::apex().get_queuing_port_id(&name(queuing_port_name));
        answer(found, |port| port.0.into())
    }
}
