//! A setting that is either chosen by the program or set by a person. In files and flags it reads `"auto"` or a value.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `Auto` lets [`super::resolve`] choose, with a reason that is shown; `Set` is what a person asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Auto<T> {
    /// Chosen from the data set.
    #[default]
    Auto,
    /// Chosen by a person.
    Set(T),
}

impl<T: Copy> Auto<T> {
    /// The value a person set, if any.
    pub fn set(&self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Set(value) => Some(*value),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Value(T),
    Word(String),
}

impl<T: Serialize> Serialize for Auto<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Auto<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Value(value) => Ok(Self::Set(value)),
            Written::Word(word) if word == "auto" => Ok(Self::Auto),
            Written::Word(word) => {
                Err(serde::de::Error::custom(format!("expected \"auto\" or a value, found \"{word}\"")))
            }
        }
    }
}
