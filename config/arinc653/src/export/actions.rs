//! Tables of the health monitor.

use cofferdam_abi::health::{Action, Error, PARTITION_ERRORS};
use cofferdam_model::ErrorAction;

use super::{ACTION_ATTRIBUTE, Exporter};
use crate::health;

impl Exporter<'_> {
    /// Which errors are at which level. Those of processes go to the error handler, unless a partition's extension says otherwise.
    pub(super) fn levels(&mut self) {
        self.open("System_HM_Table", &[]);
        let services = self
            .checked
            .system
            .partitions
            .iter()
            .any(|one| one.apex.is_some());
        let (of_partition, of_module) = Error::ALL.split_at(PARTITION_ERRORS);
        for (state, description, level, errors) in [
            (0, "module", "MODULE", of_module),
            (1, "partition", "PARTITION", of_partition),
        ] {
            self.state(state, description);
            for error in errors {
                let attributes = [
                    ("ErrorIdentifier", health::identifier(*error).to_string()),
                    ("Description", error.name().to_string()),
                    ("ErrorLevel", level.to_string()),
                ];
                self.empty("Error_ID_Level", &attributes);
            }
            self.close("System_State_Entry");
        }
        if services {
            self.state(2, "process");
            for (place, (code, errors)) in health::CODES.iter().enumerate() {
                // A kind without an error of the kernel's has a number behind all of those.
                let unknown = Error::ALL.len() + 1 + place;
                let identifier = errors.first().map(|one| health::identifier(*one));
                let attributes = [
                    (
                        "ErrorIdentifier",
                        identifier.unwrap_or(unknown as u64).to_string(),
                    ),
                    ("ErrorLevel", "PROCESS".to_string()),
                    ("ErrorCode", (*code).to_string()),
                ];
                self.empty("Error_ID_Level", &attributes);
            }
            self.close("System_State_Entry");
        }
        self.close("System_HM_Table");
    }

    fn state(&mut self, state: u32, description: &str) {
        let attributes = [
            ("SystemState", state.to_string()),
            ("Description", description.to_string()),
        ];
        self.open("System_State_Entry", &attributes);
    }

    pub(super) fn module_actions(&mut self) {
        self.open("Module_HM_Table", &[]);
        self.state(0, "module");
        for action in &self.checked.system.module_errors {
            self.action(action, health::of_module(*action.action));
        }
        self.close("System_State_Entry");
        self.close("Module_HM_Table");
    }

    /// An action by the word that comes nearest, and by its own if that is another one.
    fn action(&mut self, action: &ErrorAction, (nearest, same): (&str, bool)) {
        let mut attributes = vec![
            (
                "ErrorIdentifier",
                health::identifier(*action.error).to_string(),
            ),
            ("Description", action.error.name().to_string()),
            ("Action", nearest.to_string()),
        ];
        if !same {
            let name = action.action.name();
            let exact = match (&*action.action, &action.schedule) {
                (Action::SwitchSchedule, Some(schedule)) => format!("{name}:{schedule}"),
                _ => name.to_string(),
            };
            let what = format!("`{exact}` on `{}`", action.error.name());
            self.keeps(
                action.action.span,
                &format!("{what}, which is `{nearest}` there,"),
            );
            attributes.push((ACTION_ATTRIBUTE, exact));
        }
        self.empty("Error_ID_Action", &attributes);
    }

    pub(super) fn partition_actions(&mut self, index: usize) {
        let system = &self.checked.system;
        let partition = &system.partitions[index];
        let reference = self.reference(index);
        self.open("Partition_HM_Table", &reference);
        self.state(1, "partition");
        for error in &Error::ALL[..PARTITION_ERRORS] {
            // The partition's own comes before the one for all.
            let mut all = partition.errors.iter().chain(&system.default_errors);
            if let Some(action) = all.find(|one| *one.error == *error) {
                self.action(action, health::of_partition(*action.action));
            }
        }
        self.close("System_State_Entry");
        self.close("Partition_HM_Table");
    }
}
