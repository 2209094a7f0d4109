//! A hub against the model of the fuzz target, with any operations.

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn does_what_the_model_does(operations in proptest::collection::vec(any::<u8>(), 0..600)) {
        siomio_hub::fuzzing::hub(&operations);
    }
}
