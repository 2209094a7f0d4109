//! Conformance servers and suites.
