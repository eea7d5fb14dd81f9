//! Repositories of TUF 1.0, made and maintained by people who each hold only their own keys.

mod building;
mod hostile;
mod lab;
mod maintaining;
mod python;
mod signing;
