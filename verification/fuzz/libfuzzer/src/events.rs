#![no_main]

use cofferdam_fuzz::targets::events::TARGET;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
