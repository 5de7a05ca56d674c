//! The clouds that the engine can work on.
