//! The grammars of Windows: what their texts run.

mod cmd_properties;
mod cmd_suite;
mod rendering;
