//! A tree into Rust types, through serde.
//!
//! Read with the eyes of someone who writes configuration: a key without a value is an empty list,
//! mapping or struct; a field of type `String` takes `2024` and `off` as text; an error points at
//! the innermost value and speaks of lists and mappings.

use super::at;
use super::error::DeError;
use super::many;
use super::node::{MAX_WALK, Node};
use super::scalar::{Scalar, resolve_plain};
use super::words;
use crate::text::{Span, Spanned};
use rustc_hash::FxHashSet;
use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use std::cell::Cell;

/// Reads a node into a type.
///
/// # Errors
/// The first thing that does not fit; see [`DeError`]. A key that occurs twice is one.
pub fn from_node<T: DeserializeOwned>(node: Node<'_>) -> Result<T, DeError> {
    let budget = Cell::new(node.expansion_budget());
    T::deserialize(NodeDe {
        node,
        walk: Walk::new(&budget),
    })
}

/// Reads a mapping that lies in pieces, perhaps in several files, into a struct or map. `whole` is
/// the place of errors that concern no single entry, such as a missing key.
///
/// # Errors
/// As for [`from_node`].
pub fn from_entries<T: DeserializeOwned>(
    entries: &[(Spanned<String>, Node<'_>)],
    whole: Span,
) -> Result<T, DeError> {
    let budget = entries.iter().map(|(_, n)| n.expansion_budget()).sum();
    let budget = Cell::new(budget);
    let list: Vec<_> = entries
        .iter()
        .map(|(name, node)| (KeyDe::new(&name.value, name.span), *node))
        .collect();
    T::deserialize(EntriesDe {
        list,
        whole,
        walk: Walk::new(&budget),
    })
}

/// How far a reading has gone: aliases must not make it endless.
#[derive(Clone, Copy)]
struct Walk<'a> {
    depth: u32,
    budget: &'a Cell<usize>,
}

impl<'a> Walk<'a> {
    fn new(budget: &'a Cell<usize>) -> Self {
        Self { depth: 0, budget }
    }

    fn deeper(self) -> Result<Self, DeError> {
        let left = self.budget.get();
        if left == 0 || self.depth >= MAX_WALK {
            return Err(DeError::new("aliases make this too large to read"));
        }
        self.budget.set(left - 1);
        Ok(Self {
            depth: self.depth + 1,
            budget: self.budget,
        })
    }
}

#[derive(Clone, Copy)]
struct NodeDe<'a> {
    node: Node<'a>,
    walk: Walk<'a>,
}

impl<'a> NodeDe<'a> {
    fn placed<T>(self, result: Result<T, DeError>) -> Result<T, DeError> {
        result.map_err(|error| error.at(self.node.span()))
    }

    /// `key:` with nothing behind it. A written `null` is not it.
    fn is_missing(self) -> bool {
        self.node.is_null() && self.node.as_str() == Some("")
    }

    fn seq<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let walk = self.walk;
        let mut items = Items {
            left: self.node.items(),
            walk,
        };
        let value = self.placed(visitor.visit_seq(&mut items))?;
        match items.left.len() {
            0 => Ok(value),
            more => {
                let message = format!("{more} items too many");
                Err(DeError::new(message).at(self.node.span()))
            }
        }
    }

    fn map<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let pairs = self.node.pairs(true);
        let list = pairs
            .iter()
            .map(|&(key, value)| Ok((KeyDe::of(key)?, value)));
        let list = list.collect::<Result<Vec<_>, DeError>>()?;
        self.placed(visitor.visit_map(Pairs::new(list, self.walk)))
    }

    fn scalar<'de, V: Visitor<'de>>(self, value: Scalar, visitor: V) -> Result<V::Value, DeError> {
        let text = self.node.as_str().unwrap_or_default();
        let result: Result<V::Value, DeError> = match value {
            Scalar::Null => visitor.visit_unit(),
            Scalar::Bool(value) => visitor.visit_bool(value),
            Scalar::Int(value) => visit_int(value, visitor),
            Scalar::Float(value) => visitor.visit_f64(value),
            Scalar::Str => visitor.visit_str(text),
        };
        self.placed(result)
    }

    /// Any scalar as text, but null as null.
    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.node.scalar() {
            Some(Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_)) => {
                self.scalar(Scalar::Str, visitor)
            }
            _ => self.deserialize_any(visitor),
        }
    }
}

/// Types that want a `u64` refuse a signed number, even a positive one, in their message.
fn visit_int<'de, V: Visitor<'de>>(value: i64, visitor: V) -> Result<V::Value, DeError> {
    match u64::try_from(value) {
        Ok(value) => visitor.visit_u64(value),
        Err(_) => visitor.visit_i64(value),
    }
}

macro_rules! to {
    ($target:ident: $($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            self.$target(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeDe<'_> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.node.scalar() {
            Some(value) => self.scalar(value, visitor),
            None if self.node.is_sequence() => self.seq(visitor),
            None if self.node.is_mapping() => self.map(visitor),
            None => self.placed(Err(DeError::new("an alias without an anchor"))),
        }
    }

    to!(deserialize_any: deserialize_bool deserialize_unit
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64);
    to!(text: deserialize_str deserialize_string deserialize_char deserialize_identifier
        deserialize_bytes deserialize_byte_buf);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let result = match self.node.is_null() {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        };
        self.placed(result)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.is_missing() {
            true => self.seq(visitor),
            false => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.is_missing() {
            true => self.map(visitor),
            false => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if self.node.is_sequence() {
            // Derived structs would take a list as their fields in order; nobody means that.
            let error = DeError::invalid_type(Unexpected::Seq, &"a map");
            return Err(error.at(self.node.span()));
        }
        self.deserialize_map(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if name == at::NAME {
            return visitor.visit_seq(Place::new(self.node.span(), self));
        }
        if name == many::NAME {
            return match self.node.is_sequence() || self.node.is_null() {
                true => self.deserialize_seq(visitor),
                false => visitor.visit_seq(many::Single(Some(self))),
            };
        }
        self.placed(visitor.visit_newtype_struct(self))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if self.node.is_mapping() {
            let walk = self.placed(self.walk.deeper())?;
            if let [(key, node)] = self.node.pairs(true)[..] {
                let content = Some(NodeDe { node, walk });
                let key = KeyDe::of(key)?;
                return self.placed(visitor.visit_enum(Variant { key, content }));
            }
        } else if let Some(text) = self.node.as_str().filter(|_| !self.node.is_null()) {
            let key = KeyDe::new(text, self.node.span());
            return self.placed(visitor.visit_enum(Variant { key, content: None }));
        }
        let names = variants.iter().map(|name| format!("`{name}`"));
        let names = names.collect::<Vec<_>>().join(", ");
        let message = format!("expected one of {names}, found {}", words::found(self.node));
        self.placed(Err(DeError::new(message)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }
}

/// A key, or a word that names a variant.
#[derive(Clone, Copy)]
struct KeyDe<'a> {
    text: &'a str,
    span: Span,
}

impl<'a> KeyDe<'a> {
    fn new(text: &'a str, span: Span) -> Self {
        Self { text, span }
    }

    fn of(key: Node<'a>) -> Result<Self, DeError> {
        let span = key.span();
        match key.as_str() {
            Some(text) => Ok(Self::new(text, span)),
            None => Err(DeError::new(format!("{} cannot be a key", key.kind_name())).at(span)),
        }
    }

    fn placed<T>(self, result: Result<T, DeError>) -> Result<T, DeError> {
        result.map_err(|error| error.at(self.span))
    }

    /// For maps whose keys are no strings.
    fn value<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let result = match resolve_plain(self.text) {
            Scalar::Bool(value) => visitor.visit_bool(value),
            Scalar::Int(value) => visit_int(value, visitor),
            Scalar::Float(value) => visitor.visit_f64(value),
            Scalar::Null | Scalar::Str => visitor.visit_str(self.text),
        };
        self.placed(result)
    }
}

impl<'de> Deserializer<'de> for KeyDe<'_> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.placed(visitor.visit_str(self.text))
    }

    to!(value: deserialize_bool
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64);

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if name == at::NAME {
            return visitor.visit_seq(Place::new(self.span, self));
        }
        self.placed(visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let (key, content) = (self, None);
        self.placed(visitor.visit_enum(Variant { key, content }))
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// What [`at::At`] reads: file, start, end, then the value itself.
struct Place<D> {
    numbers: std::array::IntoIter<u32, 3>,
    value: Option<D>,
}

impl<D> Place<D> {
    fn new(span: Span, value: D) -> Self {
        Self {
            numbers: [span.file.0, span.start, span.end].into_iter(),
            value: Some(value),
        }
    }
}

impl<'de, D: Deserializer<'de, Error = DeError>> SeqAccess<'de> for Place<D> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DeError> {
        if let Some(number) = self.numbers.next() {
            let number: U32Deserializer<DeError> = number.into_deserializer();
            return seed.deserialize(number).map(Some);
        }
        self.value
            .take()
            .map(|value| seed.deserialize(value))
            .transpose()
    }
}

struct Items<'a, I> {
    left: I,
    walk: Walk<'a>,
}

impl<'de, 'a, I: ExactSizeIterator<Item = Node<'a>>> SeqAccess<'de> for &mut Items<'a, I> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DeError> {
        let Some(node) = self.left.next() else {
            return Ok(None);
        };
        let walk = self.walk.deeper().map_err(|error| error.at(node.span()))?;
        let item = NodeDe { node, walk };
        item.placed(seed.deserialize(item)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

struct Pairs<'a> {
    left: std::vec::IntoIter<(KeyDe<'a>, Node<'a>)>,
    seen: FxHashSet<&'a str>,
    value: Option<(KeyDe<'a>, Node<'a>)>,
    walk: Walk<'a>,
}

impl<'a> Pairs<'a> {
    fn new(list: Vec<(KeyDe<'a>, Node<'a>)>, walk: Walk<'a>) -> Self {
        Self {
            left: list.into_iter(),
            seen: FxHashSet::default(),
            value: None,
            walk,
        }
    }
}

impl<'de> MapAccess<'de> for Pairs<'_> {
    type Error = DeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DeError> {
        let Some((key, value)) = self.left.next() else {
            return Ok(None);
        };
        if !self.seen.insert(key.text) {
            let message = format!("the key `{}` is given twice", words::shortened(key.text));
            return Err(DeError::new(message).at(key.span));
        }
        self.value = Some((key, value));
        key.placed(seed.deserialize(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        let Some((key, node)) = self.value.take() else {
            return Err(DeError::new("a value was asked for before its key"));
        };
        let walk = key.placed(self.walk.deeper())?;
        let value = NodeDe { node, walk };
        value.placed(seed.deserialize(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

struct Variant<'a> {
    key: KeyDe<'a>,
    content: Option<NodeDe<'a>>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = DeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), DeError> {
        let value = self.key.placed(seed.deserialize(self.key))?;
        Ok((value, self))
    }
}

impl Variant<'_> {
    fn content(&self) -> Result<NodeDe<'_>, DeError> {
        self.content.ok_or_else(|| {
            let message = format!("`{}` needs a value: write `{0}: …`", self.key.text);
            DeError::new(message).at(self.key.span)
        })
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        match self.content {
            Some(content) if !content.node.is_null() => {
                let message = format!("`{}` takes no value", self.key.text);
                Err(DeError::new(message).at(content.node.span()))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DeError> {
        let content = self.content()?;
        content.placed(seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DeError> {
        self.content()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.content()?.deserialize_struct("", fields, visitor)
    }
}

/// A mapping that exists nowhere as such.
struct EntriesDe<'a> {
    list: Vec<(KeyDe<'a>, Node<'a>)>,
    whole: Span,
    walk: Walk<'a>,
}

impl<'de> Deserializer<'de> for EntriesDe<'_> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let pairs = Pairs::new(self.list, self.walk);
        visitor
            .visit_map(pairs)
            .map_err(|error| error.at(self.whole))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.list.is_empty() {
            true => visitor.visit_unit(),
            false => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if name == at::NAME {
            return visitor.visit_seq(Place::new(self.whole, self));
        }
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
