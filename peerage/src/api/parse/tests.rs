//! Messages that are wrong in several ways are told of all of them; right ones become the command
//! that they say.
