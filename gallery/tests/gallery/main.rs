//! The gallery through its sockets.

mod house;
mod http;
mod pages;
