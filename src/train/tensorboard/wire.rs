//! The bytes of an event file: protocol buffers (the few messages of TensorFlow's `event.proto` and `summary.proto` that are
//! needed) inside the records of `record_writer.cc`.

/// A protocol buffer message being written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    fn key(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn with_bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// A whole number.
    pub fn int(mut self, field: u32, value: u64) -> Self {
        self.key(field, 0);
        self.varint(value);
        self
    }

    /// A number of 64 bits.
    pub fn double(mut self, field: u32, value: f64) -> Self {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A number of 32 bits.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Text.
    pub fn text(self, field: u32, text: &str) -> Self {
        self.with_bytes(field, text.as_bytes())
    }

    /// Numbers of 64 bits, packed.
    pub fn doubles(self, field: u32, values: &[f64]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with_bytes(field, &bytes)
    }

    /// A message within.
    pub fn message(self, field: u32, inner: &Self) -> Self {
        self.with_bytes(field, &inner.0)
    }

    /// The message as a record: its length and its bytes, each with a checksum behind it.
    pub fn record(&self) -> Vec<u8> {
        let length = (self.0.len() as u64).to_le_bytes();
        let checksums = [masked(&length), masked(&self.0)];
        [&length[..], &checksums[0], &self.0, &checksums[1]].concat()
    }
}

/// CRC-32C, turned and shifted so that a checksum of data with checksums in it is no trouble.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that TensorFlow writes at the start of every event file (wall time 0 here).
    #[test]
    fn a_record_is_what_tensorflow_writes() {
        let record = Message::default().double(1, 0.0).text(3, "brain.Event:2").record();
        let mut wanted = vec![24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22];
        wanted.extend([9, 0, 0, 0, 0, 0, 0, 0, 0, 0x1a, 13]);
        wanted.extend(b"brain.Event:2");
        assert_eq!(record[..wanted.len()], wanted);
        assert_eq!(record.len(), wanted.len() + 4);
    }

    #[test]
    fn large_numbers_take_several_bytes() {
        assert_eq!(Message::default().int(2, 300).0, [0x10, 0xac, 0x02]);
    }
}
