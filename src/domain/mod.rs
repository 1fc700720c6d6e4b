//! Pure values and rules: what a job is, what it may become, what it costs, who is let in.
//!
//! Nothing here reads a clock, a file, a socket or an environment variable; time and randomness arrive as arguments.
//! That is what lets every rule about a job be tested as a table, and what the other rooms agree on.

pub mod admission;
pub mod clock_skew;
pub mod ids;
pub mod job;
pub mod limits;
pub mod model;
pub mod money;
pub mod offer;
pub mod payment;
pub mod power;
pub mod purchase;
pub mod quote;
pub mod relay;
pub mod relay_advice;
pub mod relay_fit;
pub mod request;
pub mod spend_lock;
pub mod time;
pub mod words;
