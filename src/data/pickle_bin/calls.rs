//! What a file may call: seven functions of Python and numpy, each of which makes one of our own values.

use super::blob;
use super::value::{Array, Blob, Coding, Dtype, Global, Value};
use super::vm::Machine;
use crate::data::DataError;

/// Values given to one function.
const MAX_ARGUMENTS: usize = 8;
/// Longest text that is looked into: a name of a module or of a number's kind.
const MAX_WORD: u32 = 64;

impl Machine<'_> {
    /// A short text or string of bytes.
    pub(super) fn word(&self, value: Value) -> Result<String, DataError> {
        let blob = match value {
            Value::Text(blob) | Value::Bytes(blob) if blob.len <= MAX_WORD => blob,
            _ => return Err(self.input.bad("expected a short name")),
        };
        Ok(blob::read(self.file, blob)?.into_iter().map(char::from).collect())
    }

    pub(super) fn reduce(&mut self) -> Result<(), DataError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        // No function here takes more; the bound keeps a file from having a long tuple copied a million times.
        let arguments =
            self.out.sequence(arguments).filter(|all| all.len() <= MAX_ARGUMENTS).unwrap_or_default().to_vec();
        let empty = Blob { start: 0, len: 0, coding: Coding::Raw };
        let value = match (function, arguments.as_slice()) {
            (Value::Global(Global::Encode | Global::Bytes), &[Value::Text(blob), encoding]) => {
                match self.word(encoding)?.as_str() {
                    "latin1" | "latin-1" => Value::Bytes(blob),
                    other => return Err(self.input.bad(format!("expected latin1, found {}", other.escape_default()))),
                }
            }
            (Value::Global(Global::Bytes), []) => Value::Bytes(empty),
            (Value::Global(Global::Bytes), &[bytes @ Value::Bytes(_)]) => bytes,
            (Value::Global(Global::Dtype), &[name, ..]) => Value::Dtype(Dtype::named(&self.word(name)?)),
            (Value::Global(Global::Reconstruct), &[Value::Global(Global::NdArray), ..]) => {
                self.out.arrays.push(None);
                Value::Array(self.out.arrays.len() as u32 - 1)
            }
            (Value::Global(Global::FromBuffer), &[Value::Bytes(data), Value::Dtype(dtype), shape, ..]) => {
                let array = Array { dtype, is_flat: self.is_flat(shape), data };
                self.out.arrays.push(Some(array));
                Value::Array(self.out.arrays.len() as u32 - 1)
            }
            (Value::Global(Global::Scalar), &[Value::Dtype(_), Value::Bytes(data)]) if data.len <= MAX_WORD => {
                match blob::read(self.file, data)?.as_slice() {
                    &[byte] => Value::Int(byte.into()),
                    _ => return Err(self.input.bad("expected a number of one byte")),
                }
            }
            (Value::Global(function), _) => {
                return Err(self.input.bad(format!("the values given to {function:?} are not those of an image")));
            }
            _ => return Err(self.input.bad("an instruction calls something that is no function")),
        };
        self.push(value)
    }

    /// Fills the array below the top of the stack; what is set of other values does not matter here.
    pub(super) fn build(&mut self) -> Result<(), DataError> {
        let (state, value) = (self.pop()?, self.pop()?);
        self.push(value)?;
        let number = match value {
            Value::Array(number) => number,
            Value::Dtype(_) => return Ok(()),
            _ => return Err(self.input.bad("an instruction fills something that is no array")),
        };
        let state = self.out.sequence(state).unwrap_or_default();
        let &[_, shape, Value::Dtype(dtype), _, Value::Bytes(data)] = state else {
            return Err(self.input.bad("the parts of an array are not those numpy writes"));
        };
        let array = Array { dtype, is_flat: self.is_flat(shape), data };
        if let Some(place) = self.out.arrays.get_mut(number as usize) {
            *place = Some(array);
        }
        Ok(())
    }

    fn is_flat(&self, shape: Value) -> bool {
        let shape = self.out.sequence(shape).unwrap_or_default();
        matches!(shape, [_] | [_, Value::Int(1)] | [Value::Int(1), _])
    }
}
