//! Error handling.

use cofferdam_apex::ErrorCode;
use cofferdam_apex::ReturnCode::{InvalidConfig, InvalidMode, InvalidParam, NoAction};

use super::cells;
use crate::call::{Call, Value};
use crate::script::raise;

const HANDLER: Call = Call::CreateErrorHandler {
    entry_point: 4,
    stack_bytes: 1000,
};
/// One byte more than the longest message.
const LONG: &[u8] = &[0; 129];

cells! {
    REPORT_APPLICATION_MESSAGE {
        NoError => |s| {
            s.ok(Call::ReportApplicationMessage { message: &LONG[1..] });
            assert_eq!(s.system.messages_reported(), 1);
        };
        InvalidParam => |s| {
            s.refused(Call::ReportApplicationMessage { message: LONG }, InvalidParam);
            assert_eq!(s.system.messages_reported(), 0);
        };
    }
    CREATE_ERROR_HANDLER {
        NoError => |s| {
            s.ok(HANDLER);
        };
        NoAction => |s| {
            s.ok(HANDLER);
            s.refused(HANDLER, NoAction);
        };
        InvalidConfig => |s| {
            for stack_bytes in [0, 8193, u32::MAX] {
                s.refused(Call::CreateErrorHandler { entry_point: 4, stack_bytes }, InvalidConfig);
            }
        };
        InvalidMode => |s| {
            s.one();
            s.refused(HANDLER, InvalidMode);
        };
    }
    GET_ERROR_STATUS {
        NoError => |s| {
            let process = s.in_handler();
            match s.ok(Call::GetErrorStatus) {
                Value::Error(status) => {
                    assert_eq!((status.code, status.process.0), (ErrorCode::ApplicationError, process));
                    assert_eq!(status.message(), b"why");
                }
                other => panic!("{other:?}"),
            }
        };
        InvalidConfig => |s| {
            s.refused(Call::GetErrorStatus, InvalidConfig);
            s.one();
            s.refused(Call::GetErrorStatus, InvalidConfig);
        };
        NoAction => |s| {
            s.in_handler();
            s.ok(Call::GetErrorStatus);
            s.refused(Call::GetErrorStatus, NoAction);
        };
    }
    RAISE_APPLICATION_ERROR {
        NoError => |s| {
            let process = s.in_handler();
            s.ok(Call::GetErrorStatus);
            s.leave_handler();
            s.runs(process);
        };
        InvalidParam => |s| {
            s.handler();
            s.one();
            for code in [0, 2, 7, 8] {
                s.refused(Call::RaiseApplicationError { code, message: b"" }, InvalidParam);
            }
            s.refused(Call::RaiseApplicationError { code: 1, message: LONG }, InvalidParam);
        };
    }
    CONFIGURE_ERROR_HANDLER {
        NoError => |s| {
            s.ok(HANDLER);
            s.ok(Call::ConfigureErrorHandler { concurrency: 1, core: 0 });
        };
        InvalidConfig => |s| {
            s.refused(Call::ConfigureErrorHandler { concurrency: 0, core: 0 }, InvalidConfig);
            s.ok(HANDLER);
            s.refused(Call::ConfigureErrorHandler { concurrency: 0, core: 1 }, InvalidConfig);
            s.refused(Call::ConfigureErrorHandler { concurrency: 2, core: 0 }, InvalidConfig);
        };
        InvalidMode => |s| {
            s.in_handler();
            s.ok(Call::GetErrorStatus);
            s.ok(raise());
            s.refused(Call::ConfigureErrorHandler { concurrency: 0, core: 0 }, InvalidMode);
        };
    }
}
