/// What [`admit`](super::admit) repaired in a JPEG.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mended {
    /// Bytes before the picture or after it were cut off.
    pub trimmed: bool,
    /// Missing Huffman tables were added.
    pub tables_added: bool,
    /// Thumbnails and other metadata were dropped.
    pub metadata_dropped: bool,
    /// The missing end marker was added.
    pub end_added: bool,
    /// A quantisation step of 255 became 254, because with its neighbour it read as a marker.
    pub table_softened: bool,
}

impl Mended {
    /// Whether anything was repaired.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// The repairs that were made, as fixed words for metrics.
    pub fn labels(&self) -> impl Iterator<Item = &'static str> + use<> {
        [
            (self.trimmed, "trimmed"),
            (self.tables_added, "tables_added"),
            (self.metadata_dropped, "metadata_dropped"),
            (self.end_added, "end_added"),
            (self.table_softened, "table_softened"),
        ]
        .into_iter()
        .filter_map(|(made, label)| made.then_some(label))
    }
}
