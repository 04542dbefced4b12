//! Addresses that C gives: all unsafe code of this crate is here.
//!
//! Each type is what a parameter of a service is in C, and only C makes values of it. What C promises by the service's declaration is what each block
//! relies on; where C breaks it, the access is the application's own, and the processor catches it as such.

use cofferdam_apex_native::apex::{NAME_BYTES, Name, ReturnCode};

/// The least that has rights of its own.
const PAGE: usize = 0x1000;

/// Something that is read.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct In<T>(*const T);

impl<T: Copy> In<T> {
    /// It.
    pub fn get(self) -> T {
        // SAFETY: the caller gives the address of a whole value that it owns. It may be at any byte: this core reads words that are not from a word on.
        unsafe { self.0.read_unaligned() }
    }
}

/// A name: a text that ends with a zero byte, or has as many as a name can have.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Text(*const u8);

impl Text {
    /// It.
    pub fn name(self) -> Name {
        let mut name = [0; NAME_BYTES];
        for (offset, into) in name.iter_mut().enumerate() {
            // SAFETY: the caller gives the address of a text; no byte before this one ended it.
            *into = unsafe { self.0.wrapping_add(offset).read() };
            if *into == 0 {
                break;
            }
        }
        Name::from_bytes(&name)
    }
}

/// Something that is written.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Has the processor catch the caller here and now if the place is none. A service begins with this, so that it has done nothing then.
    #[inline(always)]
    pub fn probe(self) {
        Room(self.0.cast()).touch(size_of::<T>());
    }

    /// Writes it.
    pub fn set(self, value: T) {
        // SAFETY: the caller gives the address of room for a whole value that it owns, at any byte: see `In::get`.
        unsafe { self.0.write_unaligned(value) }
    }
}

/// A message that is read.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Message(*const u8);

impl Message {
    /// Its bytes, of an object whose messages have `longest` at most. One whose length is none has none, and one that is too long has one too many: each
    /// service refuses both for their length.
    pub fn bytes<'a>(self, length: i32, longest: u32) -> &'a [u8] {
        let longest = longest as usize;
        let length = usize::try_from(length).unwrap_or(0).min(longest + 1);
        if length == 0 {
            return &[];
        }
        if length <= longest {
            self.touch(length);
        }
        // SAFETY: the caller gives the address of so many bytes, which nobody changes while it waits in the service. Of a message that is too long the
        // services look at the length alone.
        unsafe { core::slice::from_raw_parts(self.0, length) }
    }

    /// Reads a byte of each page, so that an address that is none is found before the service begins.
    fn touch(self, length: usize) {
        for offset in (0..length).step_by(PAGE).chain([length - 1]) {
            // SAFETY: as in `bytes`.
            unsafe { self.0.wrapping_add(offset).read_volatile() };
        }
    }
}

/// Room for a message.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Room(*mut u8);

impl Room {
    /// Room for so many bytes.
    pub fn bytes<'a>(self, length: u32) -> &'a mut [u8] {
        let length = length as usize;
        if length == 0 {
            return &mut [];
        }
        self.touch(length);
        // SAFETY: the caller gives the address of room for the longest message of the object, which nobody else uses while it waits in the service.
        unsafe { core::slice::from_raw_parts_mut(self.0, length) }
    }

    /// Writes a byte of each page as it is, so that an address that is none, or that may be read alone, is found before the service begins.
    #[inline(always)]
    fn touch(self, length: usize) {
        for offset in (0..length).step_by(PAGE).chain([length - 1]) {
            let byte = self.0.wrapping_add(offset);
            // SAFETY: the caller gives the address of so much room, which is the service's from the call on.
            unsafe { byte.write_volatile(byte.read_volatile()) };
        }
    }
}

/// Creates a process that begins where C says.
pub fn create_process(
    attributes: &cofferdam_apex_native::apex::Attributes,
) -> Result<cofferdam_apex_native::apex::ProcessId, ReturnCode> {
    // SAFETY: the caller gives the address of a function without parameters.
    unsafe { crate::APEX.create_process_at(attributes) }
}

/// The same for the error handler.
pub fn create_error_handler(entry_point: usize, stack_bytes: u32) -> Result<(), ReturnCode> {
    // SAFETY: as above.
    unsafe { crate::APEX.create_error_handler_at(entry_point, stack_bytes) }
}
