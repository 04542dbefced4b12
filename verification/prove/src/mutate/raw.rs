//! Records without their meaning: fields by their shapes, to be changed and written again.

use crate::Refusal;
use crate::image::Image;
use crate::numbers::kernel;
use crate::records::RECORDS;
use crate::tables::{HEAD, crc32, open};
use crate::values::{Reader, Shape, Value, put, put_number};

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    /// Its number among [`RECORDS`].
    pub(super) kind: usize,
    /// Its fields.
    pub(super) values: Vec<Value>,
}

impl Raw {
    /// The name of its kind.
    pub(super) fn name(&self) -> &'static str {
        RECORDS[self.kind].0
    }

    /// Its fields' names and shapes.
    pub(super) fn fields(&self) -> &'static [(&'static str, Shape)] {
        RECORDS[self.kind].1
    }

    /// A field that is a number.
    pub(super) fn number(&self, name: &str) -> u64 {
        let place = self.fields().iter().position(|(field, _)| *field == name);
        match place.and_then(|place| self.values.get(place)) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    /// Changes such a field.
    pub(super) fn set(&mut self, name: &str, number: u64) {
        let place = self.fields().iter().position(|(field, _)| *field == name);
        if let Some(value) = place.and_then(|place| self.values.get_mut(place)) {
            *value = Value::Number(number);
        }
    }
}

/// The records of tables.
pub(super) fn read(tables: &[u8]) -> Result<Vec<Raw>, Refusal> {
    let (count, bytes) = open(tables)?;
    let mut reader = Reader::new(bytes);
    let mut records = Vec::new();
    for _ in 0..count {
        let kind = reader.number(32)? as usize;
        let (_, fields) = RECORDS
            .get(kind)
            .ok_or_else(|| Refusal::new("no such record"))?;
        let values = fields.iter().map(|(_, shape)| reader.value(*shape));
        let values = values.collect::<Result<_, _>>()?;
        records.push(Raw { kind, values });
    }
    Ok(records)
}

/// Tables of these records.
pub(super) fn write(records: &[Raw]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        put_number(record.kind as u64, &mut bytes);
        for (value, (_, shape)) in record.values.iter().zip(record.fields()) {
            put(value, *shape, &mut bytes);
        }
    }
    sealed(records.len() as u32, &bytes)
}

/// Tables with a head that fits them.
pub(super) fn sealed(count: u32, records: &[u8]) -> Vec<u8> {
    let mut tables = b"CFTB\0\x02\0\0".to_vec();
    tables.extend((records.len() as u32).to_be_bytes());
    tables.extend(count.to_be_bytes());
    let crc = crc32(&[&tables, records]);
    tables.extend(crc.to_be_bytes());
    debug_assert_eq!(tables.len(), HEAD);
    tables.extend(records);
    tables
}

/// The image with other tables.
pub(super) fn with_tables(image: &Image<'_>, tables: &[u8]) -> Vec<u8> {
    let mut other = image.clone();
    for segment in &mut other.segments {
        if segment.physical == kernel::TABLES {
            segment.content = tables;
            segment.bytes = tables.len() as u64;
        }
    }
    other.write()
}
