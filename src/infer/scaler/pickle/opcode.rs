//! Pickle opcodes that scaler files use, named as in CPython's `Lib/pickle.py`. All others are refused: the text
//! opcodes of protocols 0 and 1, extension registries, persistent ids, sets, and classes constructed with arguments.

/// Pushes a mark, up to which later opcodes pop the stack.
pub const MARK: u8 = b'(';
/// Ends the pickle; its value is on top of the stack.
pub const STOP: u8 = b'.';
/// Discards the top of the stack, which may be a mark.
pub const POP: u8 = b'0';
/// Discards the stack down to the last mark, and the mark.
pub const POP_MARK: u8 = b'1';
/// Pushes the top of the stack once more: the value itself, not a copy.
pub const DUP: u8 = b'2';
/// Pushes a number of eight bytes, IEEE 754, big-endian.
pub const BINFLOAT: u8 = b'G';
/// Pushes a signed integer of four bytes, little-endian.
pub const BININT: u8 = b'J';
/// Pushes an unsigned integer of one byte.
pub const BININT1: u8 = b'K';
/// Pushes an unsigned integer of two bytes, little-endian.
pub const BININT2: u8 = b'M';
/// Pushes `None`.
pub const NONE: u8 = b'N';
/// Replaces a function and its argument tuple by the result of the call.
pub const REDUCE: u8 = b'R';
/// Pushes a text in UTF-8 after its length in four bytes.
pub const BINUNICODE: u8 = b'X';
/// Pops an item and appends it to the list below it.
pub const APPEND: u8 = b'a';
/// Pops a state and gives it to the object below it.
pub const BUILD: u8 = b'b';
/// Pushes a class or function, named by two lines: its module and its name.
pub const GLOBAL: u8 = b'c';
/// Pops the items above the last mark and appends them to the list below it.
pub const APPENDS: u8 = b'e';
/// Pushes the memo's value under a key of one byte.
pub const BINGET: u8 = b'h';
/// Pushes the memo's value under a key of four bytes, little-endian.
pub const LONG_BINGET: u8 = b'j';
/// Stores the top of the stack in the memo under a key of one byte.
pub const BINPUT: u8 = b'q';
/// Stores the top of the stack in the memo under a key of four bytes, little-endian.
pub const LONG_BINPUT: u8 = b'r';
/// Pops a value and a key and sets them in the dict below.
pub const SETITEM: u8 = b's';
/// Replaces the values above the last mark, and the mark, by a tuple.
pub const TUPLE: u8 = b't';
/// Pushes a tuple of no items.
pub const EMPTY_TUPLE: u8 = b')';
/// Pushes a new list, which `APPEND` and `APPENDS` fill.
pub const EMPTY_LIST: u8 = b']';
/// Pushes a new dict, which `SETITEM` and `SETITEMS` fill.
pub const EMPTY_DICT: u8 = b'}';
/// Pops alternating keys and values above the last mark and sets them in the dict below it.
pub const SETITEMS: u8 = b'u';

// Protocol 2.
/// Begins the pickle, with the protocol's number in one byte.
pub const PROTO: u8 = 0x80;
/// Replaces a class and its argument tuple by a new object.
pub const NEWOBJ: u8 = 0x81;
/// Replaces the top value by a tuple of it; 0x86 (`TUPLE2`) does so with two values.
pub const TUPLE1: u8 = 0x85;
/// Replaces the three top values by a tuple of them.
pub const TUPLE3: u8 = 0x87;
/// Pushes `True`.
pub const NEWTRUE: u8 = 0x88;
/// Pushes `False`.
pub const NEWFALSE: u8 = 0x89;
/// Pushes an integer, two's complement, little-endian, after its length in one byte.
pub const LONG1: u8 = 0x8a;

// Protocol 3.
/// Pushes bytes after their length in four bytes.
pub const BINBYTES: u8 = b'B';
/// Pushes bytes after their length in one byte.
pub const SHORT_BINBYTES: u8 = b'C';

// Protocol 4.
/// Pushes a text in UTF-8 after its length in one byte.
pub const SHORT_BINUNICODE: u8 = 0x8c;
/// Pushes a text in UTF-8 after its length in eight bytes.
pub const BINUNICODE8: u8 = 0x8d;
/// Pushes bytes after their length in eight bytes.
pub const BINBYTES8: u8 = 0x8e;
/// Replaces the names of a module and of a class or function in it by that class or function.
pub const STACK_GLOBAL: u8 = 0x93;
/// Stores the top of the stack in the memo under the number of values that it has.
pub const MEMOIZE: u8 = 0x94;
/// Announces the length of the opcodes that follow, in eight bytes; a hint for buffering.
pub const FRAME: u8 = 0x95;

// Protocol 5.
/// Pushes a byte array after its length in eight bytes.
pub const BYTEARRAY8: u8 = 0x96;
