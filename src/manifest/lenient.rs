//! Reading JSON of any shape: what does not fit is left out, and only broken JSON is an error.
//!
//! serde's derive stops at the first field of an unexpected type, and at a repeated key; a manifest
//! passes through six years of dbt versions, adapters and plugins, and one odd field must not cost
//! the other ninety megabytes. [`Lenient`] looks at each value as it comes and never needs a second
//! try, so that leniency costs neither time nor memory.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Number;
use serde_json::value::RawValue;

/// A value that can be read from JSON of any shape; `None` where the shape does not fit.
pub(super) trait Lenient<'de>: Sized {
    /// Is one such value, where a list is expected, a list of one (`tags: nightly`)?
    const SCALAR: bool = false;
    /// Is an object of such values, where a list is expected, the list of them (`nodes`)?
    const KEYED: bool = false;

    /// Reads one value whole, whatever it is.
    fn read<D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        from.deserialize_any(AnyShape(PhantomData))
    }

    /// The value is a string.
    fn text(_: Cow<'de, str>) -> Option<Self> {
        None
    }

    /// The value is a number.
    fn number(_: Number) -> Option<Self> {
        None
    }

    /// The value is `true` or `false`.
    fn boolean(_: bool) -> Option<Self> {
        None
    }

    /// The value is a list, which must be read to its end.
    fn seq<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// The value is an object, which must be read to its end.
    fn map<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    /// Where a [`KEYED`](Self::KEYED) value holds the key it is filed under.
    fn key(&mut self) -> Option<&mut Text<'de>> {
        None
    }
}

struct AnyShape<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for AnyShape<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<Self::Value, E> {
        Ok(T::boolean(v))
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Self::Value, E> {
        Ok(T::number(v.into()))
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Self::Value, E> {
        Ok(T::number(v.into()))
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(v).and_then(T::number))
    }

    fn visit_borrowed_str<E: Error>(self, v: &'de str) -> Result<Self::Value, E> {
        Ok(T::text(Cow::Borrowed(v)))
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Self::Value, E> {
        Ok(T::text(Cow::Owned(v.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        T::seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        T::map(members)
    }
}

/// Hands [`Lenient::read`] to serde's list and object readers.
pub(super) struct Seed<T>(PhantomData<T>);

impl<T> Seed<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Lenient<'de>> DeserializeSeed<'de> for Seed<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        T::read(from)
    }
}

/// The next key of an object.
pub(super) fn next_key<'de, A: MapAccess<'de>>(
    members: &mut A,
) -> Result<Option<Text<'de>>, A::Error> {
    let key = members.next_key_seed(Seed::<Text>::new())?;
    Ok(key.map(Option::unwrap_or_default))
}

/// The next value of an object; the default where its shape does not fit.
pub(super) fn next_value<'de, T, A>(members: &mut A) -> Result<T, A::Error>
where
    T: Lenient<'de> + Default,
    A: MapAccess<'de>,
{
    let value = members.next_value_seed(Seed::<T>::new())?;
    Ok(value.unwrap_or_default())
}

/// A string of the manifest, borrowed from the file unless it contains an escape. Numbers are read
/// as their text, because a version is `2` as often as `"2"`. Empty where the manifest has null,
/// nothing, or something that is no text.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text; `None` where it is empty, which is how null and absent are read.
    pub fn some(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| !text.is_empty())
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

// Hash and Eq are those of `str`, as `Borrow` demands: maps keyed by `Text` are asked with `&str`.
impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self)
    }
}

impl<'de> Lenient<'de> for Text<'de> {
    const SCALAR: bool = true;

    fn text(text: Cow<'de, str>) -> Option<Self> {
        Some(Self(text))
    }

    fn number(number: Number) -> Option<Self> {
        Some(Self(Cow::Owned(number.to_string())))
    }
}

/// A piece of the manifest as it is written there, checked to be JSON and not looked at further:
/// code, `meta`, the arguments of a test, a whole config.
#[derive(Debug, Clone, Copy)]
pub struct Raw<'a>(&'a RawValue);

impl<'a> Raw<'a> {
    /// The JSON as written.
    pub fn json(self) -> &'a str {
        self.0.get()
    }

    /// The decoded text where this is a JSON string.
    pub fn text(self) -> Option<Text<'a>> {
        self.parse::<Text>()
            .filter(|_| self.json().starts_with('"'))
    }

    /// The member of that name where this is an object that has it and where it is not null. The
    /// object is scanned at every call.
    pub fn get(self, name: &str) -> Option<Raw<'a>> {
        let members = self.parse::<Members>()?.0;
        let found = members.into_iter().rev().find(|(key, _)| key == name);
        found.and_then(|(_, value)| value)
    }

    /// Is this `{}`, `[]` or `""`?
    pub fn is_empty(self) -> bool {
        let json = self.json();
        let inner = json.get(1..json.len() - 1).unwrap_or("");
        json.starts_with(['{', '[', '"']) && inner.trim().is_empty()
    }

    /// The value as a tree; `None` where it is nested deeper than serde_json follows (128).
    pub fn value(self) -> Option<serde_json::Value> {
        serde_json::from_str(self.json()).ok()
    }

    fn parse<T: Lenient<'a>>(self) -> Option<T> {
        let mut json = serde_json::Deserializer::from_str(self.json());
        T::read(&mut json).ok().flatten()
    }
}

impl<'de> Lenient<'de> for Raw<'de> {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        Ok(Option::<&RawValue>::deserialize(from)?.map(Raw))
    }
}

struct Members<'a>(Vec<(Text<'a>, Option<Raw<'a>>)>);

impl<'de> Lenient<'de> for Members<'de> {
    fn map<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        let mut list = Vec::new();
        while let Some(key) = next_key(&mut members)? {
            list.push((key, next_value(&mut members)?));
        }
        Ok(Some(Self(list)))
    }
}

/// An object whose known members were read and which is also kept as written, for the members that
/// only one adapter or one rule cares about.
#[derive(Debug, Clone, Default)]
pub struct WithRaw<'a, T> {
    /// The members read.
    pub known: T,
    /// The whole object; `None` where the manifest has none.
    pub raw: Option<Raw<'a>>,
}

impl<T> Deref for WithRaw<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.known
    }
}

impl<'de, T: Lenient<'de> + Default> Lenient<'de> for WithRaw<'de, T> {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        let Some(raw) = Raw::read(from)? else {
            return Ok(None);
        };
        Ok(raw.parse().map(|known| Self {
            known,
            raw: Some(raw),
        }))
    }
}

impl<'de> Lenient<'de> for bool {
    fn boolean(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl<'de> Lenient<'de> for u64 {
    fn number(number: Number) -> Option<Self> {
        number.as_u64()
    }
}

impl<'de, T: Lenient<'de>> Lenient<'de> for Option<T> {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        Ok(T::read(from)?.map(Some))
    }
}

impl<'de, T: Lenient<'de>> Lenient<'de> for Box<T> {
    fn read<D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        Ok(T::read(from)?.map(Box::new))
    }
}

/// A list; the items that do not fit are left out. An object of keyed items is the list of them in
/// the order of their first appearance, and the last of several equal keys wins.
impl<'de, T: Lenient<'de>> Lenient<'de> for Vec<T> {
    fn text(text: Cow<'de, str>) -> Option<Self> {
        let one = T::SCALAR.then(|| T::text(text)).flatten();
        one.map(|one| vec![one])
    }

    fn number(number: Number) -> Option<Self> {
        let one = T::SCALAR.then(|| T::number(number)).flatten();
        one.map(|one| vec![one])
    }

    fn seq<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Seed::<T>::new())? {
            list.extend(item);
        }
        Ok(Some(list))
    }

    fn map<A: MapAccess<'de>>(mut members: A) -> Result<Option<Self>, A::Error> {
        let mut list: Vec<T> = Vec::new();
        while let Some(key) = next_key(&mut members)? {
            let value = if T::KEYED {
                members.next_value_seed(Seed::<T>::new())?
            } else {
                members.next_value::<IgnoredAny>()?;
                None
            };
            list.extend(value.map(|value| filed_under(key, value)));
        }
        Ok(T::KEYED.then(|| last_wins(list)))
    }
}

/// Sets the key of a keyed value: what other entries refer to is the key, not its copy inside.
pub(super) fn filed_under<'de, T: Lenient<'de>>(key: Text<'de>, mut value: T) -> T {
    if let Some(place) = value.key()
        && !key.is_empty()
    {
        *place = key;
    }
    value
}

fn last_wins<'de, T: Lenient<'de>>(mut list: Vec<T>) -> Vec<T> {
    if !has_repeated_key(&mut list) {
        return list;
    }
    let mut places: FxHashMap<Text, usize> = FxHashMap::default();
    let mut kept: Vec<T> = Vec::new();
    for mut item in list {
        let key = item.key().cloned().unwrap_or_default();
        let place = *places.entry(key).or_insert(kept.len());
        match kept.get_mut(place) {
            Some(earlier) => *earlier = item,
            None => kept.push(item),
        }
    }
    kept
}

/// No manifest that dbt wrote repeats a key, so this must be cheap: nothing is allocated for the
/// short lists of columns that every model has.
fn has_repeated_key<'de, T: Lenient<'de>>(list: &mut [T]) -> bool {
    const SHORT: usize = 16;
    let keys = list.iter_mut().filter_map(|item| item.key().map(|k| &*k));
    if keys.size_hint().1.is_some_and(|most| most <= SHORT) {
        let mut seen = [""; SHORT];
        keys.enumerate().any(|(i, key)| {
            seen[i] = key.as_str();
            seen[..i].contains(&seen[i])
        })
    } else {
        let mut seen = FxHashSet::default();
        keys.map(Text::as_str).any(|key| !seen.insert(key))
    }
}

/// Declares a record: an object with known members, all of them optional, in any order, any number
/// of times (the last wins), among others that are skipped. `keyed by` names the member that holds
/// the key a record is filed under. A member may have several spellings: `raw_sql` became
/// `raw_code`.
macro_rules! record {
    (
        $(#[$doc:meta])*
        pub struct $name:ident $(keyed by $key:ident)? {
            $( $(#[$field_doc:meta])* $field:ident : $type:ty = $($spelling:literal)|+, )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $name<'a> {
            $( $(#[$field_doc])* pub $field: $type, )*
        }

        impl<'a> $crate::manifest::lenient::Lenient<'a> for $name<'a> {
            $(
                const KEYED: bool = true;

                fn key(&mut self) -> Option<&mut Text<'a>> {
                    Some(&mut self.$key)
                }
            )?

            fn map<A: serde::de::MapAccess<'a>>(
                mut members: A,
            ) -> Result<Option<Self>, A::Error> {
                let mut record = Self::default();
                while let Some(key) = $crate::manifest::lenient::next_key(&mut members)? {
                    match key.as_str() {
                        $( $($spelling)|+ => {
                            record.$field = $crate::manifest::lenient::next_value(&mut members)?;
                        } )*
                        _ => {
                            members.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(Some(record))
            }
        }
    };
}

pub(super) use record;
