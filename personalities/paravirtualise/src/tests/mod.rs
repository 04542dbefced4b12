//! Tests of single instructions, of small kernels, and of what the second look finds.

mod damage;
mod handlers;
mod instructions;
mod kernels;
mod small;
