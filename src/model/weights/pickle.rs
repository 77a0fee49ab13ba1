//! Reads Python's pickles (protocols 2 to 5) without running anything.
//!
//! A pickle is a program for a stack machine. This machine builds plain values only: where the program asks for a class
//! to be looked up or a function to be called, it notes the name and the arguments as a [`Node::Call`], and whoever reads
//! the result decides what a name means. There is no name that does something here.
//!
//! Values live in one table and point to each other by number: a value used a thousand times costs a number each time,
//! values may be cyclic, and nothing here or in dropping them recurses. A reader must therefore not follow them without
//! end either.

use super::Problem;
use std::collections::HashMap;

/// Number of a value in its [`Pickle`].
pub(super) type Ref = u32;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Of no use here: floats, bytes, sets, whole numbers of more than 64 bits.
    Other,
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    Tuple(Vec<Ref>),
    List(Vec<Ref>),
    Dict(Vec<(Ref, Ref)>),
    /// A class or function, by module and name.
    Global(String, String),
    /// A call that was not made, and what was put into its result (`items`).
    Call {
        function: Ref,
        arguments: Ref,
        items: Vec<(Ref, Ref)>,
    },
    /// Something stored outside the pickle, and how it is called there.
    Persistent(Ref),
}

/// What a pickle holds.
#[derive(Debug)]
pub(super) struct Pickle {
    nodes: Vec<Node>,
    root: Ref,
    /// Bytes it took.
    pub length: usize,
}

/// More bytes than the pickle of any network with its optimiser.
pub(super) const MAX_BYTES: usize = 16 << 20;
/// More values, too; they take about 64 bytes each.
const MAX_NODES: usize = 2_000_000;

impl Pickle {
    /// Reads the pickle at the start of `bytes`.
    ///
    /// # Errors
    /// [`Problem::Damaged`] with the byte, when it is cut off, breaks the machine's rules or is too large, and
    /// [`Problem::Unsupported`] for instructions that torch.save does not write.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
        let mut machine = Machine {
            bytes,
            at: 0,
            copied: 0,
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        };
        let root = machine.run()?;
        Ok(Self { root, length: machine.at, nodes: machine.nodes })
    }

    /// The value it stands for.
    pub fn root(&self) -> Ref {
        self.root
    }

    /// A value.
    pub fn get(&self, value: Ref) -> &Node {
        self.nodes.get(value as usize).unwrap_or(&Node::Other)
    }

    /// Every value.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The text of a value.
    pub fn text(&self, value: Ref) -> Option<&str> {
        if let Node::Text(text) = self.get(value) { Some(text) } else { None }
    }

    /// The members of a tuple or list.
    pub fn members(&self, value: Ref) -> &[Ref] {
        if let Node::Tuple(members) | Node::List(members) = self.get(value) { members } else { &[] }
    }

    /// The entries of a dictionary, or of what a call would have made into one.
    pub fn entries(&self, value: Ref) -> &[(Ref, Ref)] {
        match self.get(value) {
            Node::Dict(entries) | Node::Call { items: entries, .. } => entries,
            _ => &[],
        }
    }

    /// Module and name of the function, and the arguments, of a call.
    pub fn call(&self, value: Ref) -> Option<(&str, &str, &[Ref])> {
        let Node::Call { function, arguments, .. } = self.get(value) else { return None };
        let Node::Global(module, name) = self.get(*function) else { return None };
        Some((module, name, self.members(*arguments)))
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bytes of texts that were copied into names. A text is used again at two bytes a time, so that copies of a long one
    /// could fill the memory.
    copied: usize,
    nodes: Vec<Node>,
    stack: Vec<Ref>,
    marks: Vec<usize>,
    memo: HashMap<u32, Ref>,
}

impl<'a> Machine<'a> {
    fn run(&mut self) -> Result<Ref, Problem> {
        loop {
            let code = self.byte()?;
            if code == b'.' {
                return self.pop();
            }
            self.step(code)?;
        }
    }

    fn step(&mut self, code: u8) -> Result<(), Problem> {
        match code {
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.above_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            b'N' => self.push(Node::None),
            0x88 | 0x89 => self.push(Node::Bool(code == 0x88)),
            b'J' | b'K' | b'M' | 0x8a | 0x8b => self.integer(code),
            b'G' => self.skipped(8),
            b'X' | 0x8c | 0x8d | b'T' | b'U' => self.text(code),
            b'B' | b'C' | 0x8e | 0x96 => {
                let length = self.length(code)?;
                self.skipped(length)
            }
            b']' => self.push(Node::List(Vec::new())),
            b')' => self.push(Node::Tuple(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            0x8f => self.push(Node::Other),
            b't' | b'l' | b'd' | 0x91 => self.gathered(code),
            0x85..=0x87 => {
                let from = self
                    .stack
                    .len()
                    .checked_sub(usize::from(code - 0x84))
                    .ok_or_else(|| self.damaged("the stack is empty"))?;
                let members = self.stack.split_off(from);
                self.push(Node::Tuple(members))
            }
            b'a' | b'e' | 0x90 => self.append(code),
            b's' | b'u' => self.set_items(code),
            b'c' | 0x93 => self.global(code),
            b'R' | 0x81 | 0x92 => self.call(code),
            // What an object's own code would do with its state is not done.
            b'b' => self.pop().map(drop),
            b'q' | b'r' | 0x94 => self.remember(code),
            b'h' | b'j' => self.recall(code),
            b'Q' => {
                let name = self.pop()?;
                self.push(Node::Persistent(name))
            }
            _ => Err(Problem::Unsupported(format!("the pickle instruction 0x{code:02x} at byte {}", self.at - 1))),
        }
    }

    fn integer(&mut self, code: u8) -> Result<(), Problem> {
        let length = match code {
            b'J' => 4,
            b'K' => 1,
            b'M' => 2,
            0x8a => usize::from(self.byte()?),
            _ => self.u32()? as usize,
        };
        let bytes = self.take(length)?;
        if length > 8 {
            return self.push(Node::Other);
        }
        // Short unsigned numbers have no sign to extend.
        let signed = !matches!(code, b'K' | b'M') && bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut eight = [if signed { 0xff } else { 0 }; 8];
        eight[..length].copy_from_slice(bytes);
        self.push(Node::Int(i64::from_le_bytes(eight)))
    }

    fn length(&mut self, code: u8) -> Result<usize, Problem> {
        Ok(match code {
            0x8c | b'C' | b'U' => usize::from(self.byte()?),
            0x8d | 0x8e | 0x96 => {
                let eight = self.take(8)?.try_into().map_err(|_| self.damaged("a length is cut off"))?;
                usize::try_from(u64::from_le_bytes(eight)).unwrap_or(usize::MAX)
            }
            _ => self.u32()? as usize,
        })
    }

    fn text(&mut self, code: u8) -> Result<(), Problem> {
        let length = self.length(code)?;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Node::Text(text))
    }

    fn skipped(&mut self, length: usize) -> Result<(), Problem> {
        self.take(length)?;
        self.push(Node::Other)
    }

    fn gathered(&mut self, code: u8) -> Result<(), Problem> {
        let members = self.above_mark()?;
        self.push(match code {
            b't' => Node::Tuple(members),
            b'l' => Node::List(members),
            b'd' => Node::Dict(members.as_chunks().0.iter().map(|[key, value]| (*key, *value)).collect()),
            _ => Node::Other,
        })
    }

    fn append(&mut self, code: u8) -> Result<(), Problem> {
        let members = if code == b'a' { vec![self.pop()?] } else { self.above_mark()? };
        let top = self.top()?;
        if let Some(Node::List(list)) = self.nodes.get_mut(top as usize) {
            list.extend(members);
        }
        Ok(())
    }

    fn set_items(&mut self, code: u8) -> Result<(), Problem> {
        let members = if code == b's' {
            let (value, key) = (self.pop()?, self.pop()?);
            vec![key, value]
        } else {
            self.above_mark()?
        };
        let top = self.top()?;
        if let Some(Node::Dict(items) | Node::Call { items, .. }) = self.nodes.get_mut(top as usize) {
            items.extend(members.as_chunks().0.iter().map(|[key, value]| (*key, *value)));
        }
        Ok(())
    }

    fn global(&mut self, code: u8) -> Result<(), Problem> {
        let (module, name) = if code == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            (self.text_of(module)?, self.text_of(name)?)
        };
        self.push(Node::Global(module, name))
    }

    fn call(&mut self, code: u8) -> Result<(), Problem> {
        if code == 0x92 {
            // Named arguments.
            self.pop()?;
        }
        let (arguments, function) = (self.pop()?, self.pop()?);
        self.push(Node::Call { function, arguments, items: Vec::new() })
    }

    fn remember(&mut self, code: u8) -> Result<(), Problem> {
        let place = match code {
            b'q' => u32::from(self.byte()?),
            b'r' => self.u32()?,
            _ => self.memo.len() as u32,
        };
        let top = self.top()?;
        // One byte each, without a value of its own.
        if self.memo.len() >= MAX_NODES {
            return Err(self.damaged("it remembers more values than any network has"));
        }
        self.memo.insert(place, top);
        Ok(())
    }

    fn recall(&mut self, code: u8) -> Result<(), Problem> {
        let place = if code == b'h' { u32::from(self.byte()?) } else { self.u32()? };
        let value = self.memo.get(&place).copied().ok_or_else(|| self.damaged("a value is used before it is made"))?;
        self.stack.push(value);
        Ok(())
    }

    fn text_of(&mut self, value: Ref) -> Result<String, Problem> {
        let Some(Node::Text(text)) = self.nodes.get(value as usize) else {
            return Err(self.damaged("a name is no text"));
        };
        self.copied += text.len();
        if self.copied > MAX_BYTES {
            return Err(self.damaged("its names are longer than the file"));
        }
        Ok(text.clone())
    }

    fn push(&mut self, node: Node) -> Result<(), Problem> {
        if self.nodes.len() >= MAX_NODES {
            return Err(self.damaged("it has more values than any network"));
        }
        self.stack.push(self.nodes.len() as Ref);
        self.nodes.push(node);
        Ok(())
    }

    fn pop(&mut self) -> Result<Ref, Problem> {
        self.stack.pop().ok_or_else(|| self.damaged("the stack is empty"))
    }

    fn top(&self) -> Result<Ref, Problem> {
        self.stack.last().copied().ok_or_else(|| self.damaged("the stack is empty"))
    }

    fn above_mark(&mut self) -> Result<Vec<Ref>, Problem> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        let mark = mark.ok_or_else(|| self.damaged("a mark is missing"))?;
        Ok(self.stack.split_off(mark))
    }

    fn byte(&mut self) -> Result<u8, Problem> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, Problem> {
        let four = self.take(4)?.try_into().map_err(|_| self.damaged("a number is cut off"))?;
        Ok(u32::from_le_bytes(four))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end)).ok_or_else(|| self.cut())?;
        self.at += length;
        Ok(taken)
    }

    fn line(&mut self) -> Result<String, Problem> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.damaged("a name has no end"))?;
        let line = String::from_utf8_lossy(&rest[..length]).into_owned();
        self.at += length + 1;
        Ok(line)
    }

    /// Why there are no more bytes: the file ends too early, or more of it is not read.
    fn cut(&self) -> Problem {
        if self.bytes.len() < MAX_BYTES {
            return self.damaged("it is cut off");
        }
        Problem::Unsupported(format!("a pickle of more than {MAX_BYTES} bytes"))
    }

    fn damaged(&self, reason: &str) -> Problem {
        Problem::Damaged(format!("{reason}, byte {} of the pickle", self.at))
    }
}
