//! A machine for pickles that hold lists of bytes and nothing else (RECOGNITION 3.4).
//!
//! Nothing in the file is run: it can name seven functions, each of which means one of our own values, and any other
//! name ends the reading. Images stay in the file; what is kept of one is its place. Memory is bounded by the number
//! of steps, and no value is ever followed into its depth.

use super::input::{Input, bad};
use super::value::{Array, Coding, Global, Value};
use crate::data::DataError;
use crate::data::packed::PackFile;
use std::collections::BTreeMap;

/// Instructions of one file. An image takes 3 to 25 of them, so this is room for 160,000.
const MAX_STEPS: usize = 4_000_000;

/// What a file holds: the value on top, and the places its lists lie in.
#[derive(Debug)]
pub(super) struct Unpickled {
    pub(super) top: Value,
    lists: Vec<Vec<Value>>,
    tuples: Vec<Value>,
    pub(super) arrays: Vec<Option<Array>>,
}

impl Unpickled {
    /// The values of a list or tuple.
    pub(super) fn sequence(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::List(number) => self.lists.get(number as usize).map(Vec::as_slice),
            Value::Tuple { start, len } => self.tuples.get(start as usize..start as usize + len as usize),
            _ => None,
        }
    }

    /// An array that has been filled.
    pub(super) fn array(&self, number: u32) -> Option<Array> {
        self.arrays.get(number as usize).copied().flatten()
    }
}

pub(super) struct Machine<'a> {
    pub(super) file: &'a PackFile,
    pub(super) input: Input<'a>,
    stack: Vec<Value>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Value>,
    pub(super) out: Unpickled,
}

/// Reads a file.
///
/// # Errors
/// When it is no pickle, asks for anything outside of the whitelist, or never comes to an end.
pub(super) fn run(file: &PackFile) -> Result<Unpickled, DataError> {
    let out = Unpickled { top: Value::None, lists: Vec::new(), tuples: Vec::new(), arrays: Vec::new() };
    let input = Input::new(file)?;
    let mut machine = Machine { file, input, stack: Vec::new(), marks: Vec::new(), memo: BTreeMap::new(), out };
    for _ in 0..MAX_STEPS {
        let at = machine.input.at();
        let instruction = machine.input.u8()?;
        if instruction == b'.' {
            machine.out.top = machine.pop()?;
            return Ok(machine.out);
        }
        machine.step(instruction, at)?;
    }
    Err(machine.input.bad(format!("more than {MAX_STEPS} instructions, which no verification set has")))
}

impl Machine<'_> {
    fn step(&mut self, instruction: u8, at: u64) -> Result<(), DataError> {
        match instruction {
            0x80 => self.protocol(),
            0x95 => self.input.u64().map(|_| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(|_| ()),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'J' | b'K' | b'M' | b'I' | b'L' | 0x8A => self.number(instruction),
            b'U' | b'T' | b'C' | b'B' | 0x8E | 0x96 | b'S' => self.bytes(instruction),
            b'X' | 0x8C | 0x8D | b'V' => self.text(instruction),
            b']' | b'l' | b'a' | b'e' => self.list(instruction),
            b')' | 0x85..=0x87 | b't' => self.tuple(instruction),
            b'q' | b'r' | b'p' | 0x94 | b'h' | b'j' | b'g' => self.memory(instruction),
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.global(&module, &name, at)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (module, name) = (self.word(module)?, self.word(name)?);
                self.global(&module, &name, at)
            }
            b'R' => self.reduce(),
            b'b' => self.build(),
            other => Err(bad(self.file, at, format!("the instruction {other:#04x} has no place in a list of images"))),
        }
    }

    fn protocol(&mut self) -> Result<(), DataError> {
        match self.input.u8()? {
            0..=5 => Ok(()),
            other => Err(self.input.bad(format!("expected pickle protocol 0 to 5, found {other}"))),
        }
    }

    pub(super) fn push(&mut self, value: Value) -> Result<(), DataError> {
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<Value, DataError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let value = if self.stack.len() > floor { self.stack.pop() } else { None };
        value.ok_or_else(|| self.input.bad("an instruction asks for a value where there is none"))
    }

    /// The values above the last mark.
    fn since_mark(&mut self) -> Result<Vec<Value>, DataError> {
        let mark =
            self.marks.pop().ok_or_else(|| self.input.bad("an instruction asks for a mark where there is none"))?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn number(&mut self, instruction: u8) -> Result<(), DataError> {
        let value = match instruction {
            b'J' => i64::from(i32::from_le_bytes(self.input.array()?)),
            b'K' => i64::from(self.input.u8()?),
            b'M' => i64::from(u16::from_le_bytes(self.input.array()?)),
            0x8A => {
                let len = usize::from(self.input.u8()?);
                let mut bytes = [0; 8];
                for place in bytes.iter_mut().take(len) {
                    *place = self.input.u8()?;
                }
                match len {
                    0..=7 => i64::from_le_bytes(bytes),
                    _ => return Err(self.input.bad("a number is too large")),
                }
            }
            _ => {
                let line = self.input.line()?;
                match line.as_str() {
                    "00" => return self.push(Value::Bool(false)),
                    "01" => return self.push(Value::Bool(true)),
                    text => text.trim_end_matches('L').parse().map_err(|_| {
                        self.input.bad(format!("expected a number, found \"{}\"", text.escape_default()))
                    })?,
                }
            }
        };
        self.push(Value::Int(value))
    }

    fn bytes(&mut self, instruction: u8) -> Result<(), DataError> {
        let len = match instruction {
            b'S' => {
                let blob = self.input.line_blob(Coding::Quoted)?;
                return self.push(Value::Bytes(blob));
            }
            b'U' | b'C' => u64::from(self.input.u8()?),
            b'T' | b'B' => u64::from(self.input.u32()?),
            _ => self.input.u64()?,
        };
        let blob = self.input.blob(len, Coding::Raw)?;
        self.push(Value::Bytes(blob))
    }

    fn text(&mut self, instruction: u8) -> Result<(), DataError> {
        let len = match instruction {
            b'V' => {
                let blob = self.input.line_blob(Coding::RawUnicode)?;
                return self.push(Value::Text(blob));
            }
            0x8C => u64::from(self.input.u8()?),
            b'X' => u64::from(self.input.u32()?),
            _ => self.input.u64()?,
        };
        let blob = self.input.blob(len, Coding::Latin1)?;
        self.push(Value::Text(blob))
    }

    fn list(&mut self, instruction: u8) -> Result<(), DataError> {
        let new = match instruction {
            b'a' => vec![self.pop()?],
            b']' => Vec::new(),
            _ => self.since_mark()?,
        };
        if matches!(instruction, b']' | b'l') {
            self.out.lists.push(new);
            return self.push(Value::List(self.out.lists.len() as u32 - 1));
        }
        let list = self.pop()?;
        self.push(list)?;
        let known = match list {
            Value::List(number) => self.out.lists.get_mut(number as usize),
            _ => None,
        };
        match known {
            Some(known) => known.extend(new),
            None => return Err(self.input.bad("an instruction adds to something that is no list")),
        }
        Ok(())
    }

    fn tuple(&mut self, instruction: u8) -> Result<(), DataError> {
        let mut values = match instruction {
            b't' => self.since_mark()?,
            _ => Vec::new(),
        };
        if let Some(count) = instruction.checked_sub(0x84).filter(|count| (1..=3).contains(count)) {
            for _ in 0..count {
                values.push(self.pop()?);
            }
            values.reverse();
        }
        let (start, len) = (self.out.tuples.len() as u32, values.len() as u32);
        self.out.tuples.extend(values);
        self.push(Value::Tuple { start, len })
    }

    fn memory(&mut self, instruction: u8) -> Result<(), DataError> {
        let key = match instruction {
            b'q' | b'h' => u32::from(self.input.u8()?),
            b'r' | b'j' => self.input.u32()?,
            0x94 => self.memo.len() as u32,
            _ => {
                let line = self.input.line()?;
                line.parse().map_err(|_| self.input.bad("a place in the memory is no number"))?
            }
        };
        if matches!(instruction, b'h' | b'j' | b'g') {
            let value = self.memo.get(&key).copied();
            let value = value.ok_or_else(|| self.input.bad(format!("nothing was remembered as number {key}")))?;
            return self.push(value);
        }
        let top = self.pop()?;
        self.push(top)?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str, at: u64) -> Result<(), DataError> {
        let known = Global::named(module, name).ok_or_else(|| {
            let named = format!("{module}.{name}").escape_default().to_string();
            bad(
                self.file,
                at,
                format!("it asks for {named}, which a list of images does not need; nothing in it was run"),
            )
        })?;
        self.push(Value::Global(known))
    }
}
