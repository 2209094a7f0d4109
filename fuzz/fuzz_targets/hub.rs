#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| siomio_hub::fuzzing::hub(input));
