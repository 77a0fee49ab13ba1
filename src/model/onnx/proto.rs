//! Writes protocol buffers, as far as an ONNX file needs them: a message is a row of numbered fields, each a number, four
//! bytes, or bytes with their length in front. <https://protobuf.dev/programming-guides/encoding/>

/// A message under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// How a field is written.
const VARINT: u32 = 0;
const LENGTH: u32 = 2;
const FOUR_BYTES: u32 = 5;

impl Message {
    /// Seven bits at a time, the lowest first.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    /// A whole number.
    pub fn int(mut self, field: u32, value: i64) -> Self {
        self.key(field, VARINT);
        self.varint(value as u64);
        self
    }

    /// Whole numbers of one repeated field.
    pub fn ints(self, field: u32, values: &[usize]) -> Self {
        values.iter().fold(self, |message, value| message.int(field, *value as i64))
    }

    /// A 32-bit number.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, FOUR_BYTES);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Bytes, or text.
    pub fn bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.add_bytes(field, bytes);
        self
    }

    /// Text.
    pub fn text(self, field: u32, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    /// A message in the message.
    pub fn message(mut self, field: u32, message: &Self) -> Self {
        self.add(field, message);
        self
    }

    /// The same to a message that is kept.
    pub fn add(&mut self, field: u32, message: &Self) {
        self.add_bytes(field, &message.0);
    }

    fn add_bytes(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, LENGTH);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// The finished bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
