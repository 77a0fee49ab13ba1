//! Lists of pairs to verify, as the public protocols write them.
//!
//! Understood, line by line, with tab, comma or white space between the fields: LFW's `name i j` and
//! `name1 i name2 j` (file `name/name_0001`), with the header `folds n`, `n`, or none; `path path 0|1` and
//! `0|1 path path`; columns with names above them, of which one is the label's and two are the images'; the two lines per
//! pair of CALFW and CPLFW, `file label` (0 is different). Images are looked for in `resolve.rs`.

use super::DataError;
use super::endings::{LIST_ENDINGS, ends_with, format_of_extension, names_pairs};
use crate::config::{counted, read_at_most};
use std::io::ErrorKind;
use std::path::Path;

/// Longest list read: LFW has 0.2 MB, IJB-C's 15 million pairs have 0.4 GB and are no list of this kind.
const MAX_BYTES: u64 = 256 << 20;

/// Pairs by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairList {
    /// Two relative paths (in LFW's form without extension) and whether they show the same class.
    pub pairs: Vec<(String, String, bool)>,
    /// The header's number of folds, each a block of equal length.
    pub folds: Option<usize>,
    /// Fields of its first line: 3 or 4, or 2 where a pair takes two lines.
    pub fields: usize,
}

/// The list a file holds, when it plainly is one: for a look at a file of unknown kind.
///
/// Two fields in a line are pairs only when the name of the file says so, because `path label` is a data set.
pub fn pair_list(file: &Path) -> Option<PairList> {
    named_pair_list(file).filter(|list| list.fields > 2 || names_pairs(file))
}

/// As [`pair_list`], where a person has said that the file is about pairs: whatever its name.
pub fn named_pair_list(file: &Path) -> Option<PairList> {
    if !ends_with(file, &LIST_ENDINGS) {
        return None;
    }
    let list = read_pairs(file).ok()?;
    // `index path label` and the like have an image on one side only.
    let is_image = |name: &str| format_of_extension(Path::new(name)).is_some();
    let is_alike = list.pairs.iter().take(8).all(|(a, b, _)| is_image(a) == is_image(b));
    is_alike.then_some(list)
}

/// Reads a list.
///
/// # Errors
/// When it cannot be read; otherwise names the first line that is not a pair, or says that lines are missing.
pub fn read_pairs(file: &Path) -> Result<PairList, DataError> {
    let fault = |line, message| DataError::Pairs { line, message, path: file.to_owned() };
    let bytes = read_at_most(file, MAX_BYTES).map_err(|source| match source.kind() {
        ErrorKind::InvalidInput => fault(1, "expected a text file, found a folder or device".to_owned()),
        ErrorKind::FileTooLarge => fault(1, format!("the file has {source}")),
        _ => DataError::reading(file, source).of_named_file(),
    })?;
    parse(&String::from_utf8_lossy(&bytes)).map_err(|(line, message)| fault(line, message))
}

type Fault = (usize, String);

fn parse(text: &str) -> Result<PairList, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let list = PairList { pairs: Vec::new(), folds: None, fields: 0 };
    let mut reader = Reader { list, expected: None, columns: None, half: None, is_first: true };
    let mut last_line = 0;
    for (number, line) in (1..).zip(text.lines()) {
        let words = line.trim();
        if !words.is_empty() && !words.starts_with('#') {
            reader.line(line).map_err(|message| (number, message))?;
            last_line = number;
        }
    }
    reader.finish().map_err(|message| (last_line.max(1), message))
}

/// A list while it is read; faults are sentences without their line.
struct Reader {
    list: PairList,
    /// Pairs the header promises.
    expected: Option<usize>,
    columns: Option<Columns>,
    /// The first line of a pair that takes two.
    half: Option<(String, bool)>,
    is_first: bool,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let fields = fields(line.trim());
        if std::mem::take(&mut self.is_first) {
            if let Some((folds, total)) = header(&fields)? {
                (self.list.folds, self.expected) = (folds, Some(total));
                return Ok(());
            }
            if is_lfw_names(&fields) {
                return Ok(());
            }
            // The first column may be an index that has no name; further tabs only line the names up.
            let nameless = line.starts_with('\t').then_some("");
            self.columns = columns(&nameless.into_iter().chain(fields.iter().copied()).collect::<Vec<&str>>());
            if self.columns.is_some() {
                return Ok(());
            }
        }
        let found = || line.trim().chars().take(80).collect::<String>();
        if let Some(columns) = self.columns {
            self.list.fields = 3;
            let pair = columns.pair(&columns.fields(fields, line)).ok_or_else(|| {
                format!("expected two images and a label (0 or 1) below their names, found \"{}\"", found())
            })?;
            self.list.pairs.push(pair);
            return Ok(());
        }
        if self.list.fields == 0 {
            self.list.fields = fields.len();
        }
        if self.list.fields == 2 {
            let half = half_pair(&fields)
                .ok_or_else(|| format!("expected \"path label\", two lines for a pair, found \"{}\"", found()))?;
            return self.half(half);
        }
        let pair = pair(&fields).ok_or_else(|| {
            let forms = "\"name i j\", \"name i name j\", \"path path 0|1\" or \"0|1 path path\"";
            format!("expected {forms}, found \"{}\"", found())
        })?;
        self.list.pairs.push(pair);
        Ok(())
    }

    fn half(&mut self, this: (String, bool)) -> Result<(), String> {
        match self.half.take() {
            None => self.half = Some(this),
            Some((other, same)) if same == this.1 => self.list.pairs.push((other, this.0, same)),
            Some((other, _)) => {
                return Err(format!("\"{}\" has another label than \"{other}\", the other half of its pair", this.0));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<PairList, String> {
        let pairs = self.list.pairs.len();
        match self.expected {
            _ if self.half.is_some() => Err("expected the other half of a pair, found the end".to_owned()),
            Some(total) if total != pairs => {
                Err(format!("the header promises {}, the file has {pairs}", counted(total, "pair")))
            }
            _ if pairs == 0 => Err("expected pairs, found none".to_owned()),
            _ => Ok(self.list),
        }
    }
}

/// CALFW and CPLFW: the label stands behind both images; 0 is different, any other number the same.
fn half_pair(fields: &[&str]) -> Option<(String, bool)> {
    let &[name, label] = fields else { return None };
    let label: u32 = label.parse().ok()?;
    Some((path(name)?, label != 0))
}

/// Tabs and commas allow spaces inside names. Kaggle's LFW has a comma behind its shorter lines.
fn fields(line: &str) -> Vec<&str> {
    if line.contains('\t') {
        line.split('\t').map(str::trim).filter(|field| !field.is_empty()).collect()
    } else if line.contains(',') {
        without_empty_end(line.split(',').map(|field| field.trim().trim_matches('"')).collect())
    } else {
        line.split_whitespace().collect()
    }
}

/// The fields of a line by their columns: one that is empty between tabs has its place as well.
fn cells(line: &str) -> Vec<&str> {
    if line.trim().contains('\t') {
        without_empty_end(line.split('\t').map(str::trim).collect())
    } else {
        fields(line.trim())
    }
}

fn without_empty_end(mut fields: Vec<&str>) -> Vec<&str> {
    while fields.last().is_some_and(|field| field.is_empty()) {
        fields.pop();
    }
    fields
}

/// Folds and pairs in all: `folds n` means n of each kind per fold, `n` means n of each kind.
fn header(fields: &[&str]) -> Result<Option<(Option<usize>, usize)>, String> {
    let numbers: Option<Vec<usize>> = fields.iter().map(|field| field.parse().ok()).collect();
    let too_many = || "the header's numbers are too large".to_owned();
    match numbers.as_deref() {
        Some(&[n]) => Ok(Some((None, n.checked_mul(2).ok_or_else(too_many)?))),
        Some(&[folds, n]) => {
            let total = folds.checked_mul(n).and_then(|pairs| pairs.checked_mul(2)).ok_or_else(too_many)?;
            Ok(Some((Some(folds).filter(|&folds| folds > 1), total)))
        }
        _ => Ok(None),
    }
}

/// What the label's column is called.
const LABELS: [&str; 7] = ["label", "same", "issame", "is_same", "match", "matched", "target"];
/// Of those, what an image beside another label may be called: `query,match,same`, `source,target,label`.
const MAYBE_IMAGES: [&str; 3] = ["match", "matched", "target"];
/// Of those, what a list of single images has too: `image,label,fold`.
const MAYBE_CLASSES: [&str; 2] = ["label", "target"];

fn is_one_of(field: &str, names: &[&str]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(field))
}

/// Column names above LFW's own lines: `name,imagenum1,imagenum2` with or without the second name, as Kaggle's LFW has them.
fn is_lfw_names(fields: &[&str]) -> bool {
    fields.iter().filter(|field| field.to_ascii_lowercase().starts_with("imagenum")).count() == 2
}

/// Where the two images and the label stand, as the names of the columns say.
#[derive(Clone, Copy)]
struct Columns {
    images: [usize; 2],
    label: usize,
    /// Columns in all.
    count: usize,
}

impl Columns {
    /// A line by its columns. Two tabs in a row only line the columns up where there are as many fields without the empty one
    /// between them as columns, and with it more; three columns have none that could be empty.
    fn fields<'a>(self, fields: Vec<&'a str>, line: &'a str) -> Vec<&'a str> {
        let cells = cells(line);
        if self.count == 3 || (fields.len() == self.count && cells.len() > self.count) { fields } else { cells }
    }

    /// The pair of a line below the names, where numbers are names of images.
    fn pair(self, fields: &[&str]) -> Option<(String, String, bool)> {
        // A comma within a name shifts what stands behind it. Of more columns, the last may be empty or hold any words.
        if self.count == 3 && fields.len() != 3 {
            return None;
        }
        let field = |column: usize| fields.get(column).copied();
        let [first, second] = self.images;
        Some((path(field(first)?)?, path(field(second)?)?, label(field(self.label)?)?))
    }
}

/// Where the images and the label stand below names of columns; `None` where these are none, or not those of pairs.
fn columns(fields: &[&str]) -> Option<Columns> {
    match *fields {
        [first, middle, last] => three_columns([first, middle, last]),
        [_, _, _, _, ..] => more_columns(fields),
        _ => None,
    }
}

/// Of three columns, two are the images' whatever they are called: the label stands behind them or before. Between them, it
/// must be plain that the list is one of pairs: `image,label,mask` and `image,label,fold` are lists of single images.
fn three_columns(fields: [&str; 3]) -> Option<Columns> {
    let [first, middle, last] = fields;
    let places = [
        (last, Columns { images: [0, 1], label: 2, count: 3 }),
        (first, Columns { images: [1, 2], label: 0, count: 3 }),
        (middle, Columns { images: [0, 2], label: 1, count: 3 }),
    ];
    let labels = places.into_iter().filter(|(name, _)| is_one_of(name, &LABELS));
    // The first of equals is taken.
    let (name, columns) = labels.min_by_key(|(name, _)| is_one_of(name, &MAYBE_IMAGES))?;
    let is_of_pairs = columns.label != 1 || are_alike(first, last) || !is_one_of(name, &MAYBE_CLASSES);
    (is_of_pairs && may_be_column_names(&fields, name)).then_some(columns)
}

/// Of more columns, the label's goes by its name, and the images' are the only two that are named as images or paths, and
/// alike but for a letter: an image and its mask are no pair.
fn more_columns(fields: &[&str]) -> Option<Columns> {
    const IMAGES: [&str; 5] = ["image", "img", "path", "file", "photo"];
    let is_image = |field: &str| IMAGES.iter().any(|word| field.to_ascii_lowercase().contains(word));
    let label = fields.iter().position(|field| is_one_of(field, &LABELS))?;
    let images = (0..).zip(fields).filter(|(column, field)| *column != label && is_image(field));
    let images: Vec<usize> = images.map(|(column, _)| column).collect();
    let &[first, second] = images.as_slice() else { return None };
    let is_of_pairs = are_alike(fields.get(first)?, fields.get(second)?);
    is_of_pairs.then_some(Columns { images: [first, second], label, count: fields.len() })
}

/// No line of data: none has a file in it. Numbers are names that pandas gives (`0,1,label`), unless a person called Target
/// has LFW's first line, or `same` is the label of the first pair.
fn may_be_column_names(fields: &[&str], label_name: &str) -> bool {
    let is_file = |field: &str| field.contains(['/', '\\']) || format_of_extension(Path::new(field)).is_some();
    let may_be_data = label(label_name).is_some() || lfw_genuine(fields).is_some();
    let is_number = |field: &str| field.parse::<f64>().is_ok();
    !fields.iter().any(|field| is_file(field) || (may_be_data && is_number(field)))
}

/// Two names that differ in one letter: `image1_path` and `image2_path`.
fn are_alike(a: &str, b: &str) -> bool {
    a.chars().count() == b.chars().count() && a.chars().zip(b.chars()).filter(|(a, b)| a != b).count() == 1
}

fn pair(fields: &[&str]) -> Option<(String, String, bool)> {
    match *fields {
        // MagFace's list of single images, `path 0 class 0`.
        [a, _, _, _] if format_of_extension(Path::new(a)).is_some() => None,
        [a, i, b, j] => Some((lfw(a, i)?, lfw(b, j)?, false)),
        // Two numbers after a name are LFW's form, even when the second could be a label.
        [a, b, c] => lfw_genuine(fields).or_else(|| match (label(c), label(a)) {
            (Some(same), _) => Some((path(a)?, path(b)?, same)),
            (None, Some(same)) => Some((path(b)?, path(c)?, same)),
            (None, None) => None,
        }),
        _ => None,
    }
}

/// LFW's `name i j`.
fn lfw_genuine(fields: &[&str]) -> Option<(String, String, bool)> {
    let &[name, i, j] = fields else { return None };
    Some((lfw(name, i)?, lfw(name, j)?, true))
}

fn label(field: &str) -> Option<bool> {
    match field.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "same" => Some(true),
        "0" | "0.0" | "-1" | "-1.0" | "false" | "different" => Some(false),
        _ => None,
    }
}

fn path(field: &str) -> Option<String> {
    (!field.is_empty()).then(|| field.replace('\\', "/"))
}

/// `name`, `7` → `name/name_0007`.
fn lfw(name: &str, number: &str) -> Option<String> {
    let number: u32 = number.parse().ok()?;
    (!name.is_empty()).then(|| format!("{name}/{name}_{number:04}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triple(a: &str, b: &str, same: bool) -> (String, String, bool) {
        (a.to_owned(), b.to_owned(), same)
    }

    #[test]
    fn lfw_lists_are_read_with_every_header() {
        let body = "Al_Gore\t1\t2\nAl_Gore\t3\tBo_Li\t12\n";
        let expected = [
            triple("Al_Gore/Al_Gore_0001", "Al_Gore/Al_Gore_0002", true),
            triple("Al_Gore/Al_Gore_0003", "Bo_Li/Bo_Li_0012", false),
        ];
        for (head, folds) in [("", None), ("1\n", None), ("1\t1\n", None)] {
            let list = parse(&format!("{head}{body}")).unwrap();
            assert_eq!((list.pairs.as_slice(), list.folds), (expected.as_slice(), folds), "{head:?}");
        }
        assert_eq!(parse(&format!("2\t1\n{body}{body}")).unwrap().folds, Some(2));
    }

    #[test]
    fn path_lists_are_read_with_commas_spaces_and_column_names() {
        let expected = [triple("a b/1.jpg", "c/2.jpg", false), triple("a b/1.jpg", "a b/3.png", true)];
        let list = parse("image1_path,image2_path,label\na b/1.jpg,c/2.jpg,0\na b\\1.jpg,a b/3.png,1\r\n").unwrap();
        assert_eq!(list.pairs, expected);
        let list = parse("1 x/1.png x/2.png\n0 x/1.png y/1.png\n").unwrap();
        assert_eq!(list.pairs, [triple("x/1.png", "x/2.png", true), triple("x/1.png", "y/1.png", false)]);
        // A class that is itself called 1.
        assert_eq!(parse("1 5 6").unwrap().pairs, [triple("1/1_0005", "1/1_0006", true)]);
    }

    #[test]
    fn column_names_say_what_counts() {
        let pairs = [triple("Al/Al_0001", "Al/Al_0004", true), triple("Al/Al_0001", "Bo/Bo_0002", false)];
        let kaggle = parse("name,imagenum1,imagenum2,\nAl,1,4,\nAl,1,Bo,2\n").unwrap();
        assert_eq!((kaggle.pairs.as_slice(), kaggle.fields), (pairs.as_slice(), 3));
        assert_eq!(parse("name,imagenum1,name,imagenum2\nAl,1,Bo,2\n").unwrap().pairs, pairs[1..]);
        let expected = [triple("a/1.jpg", "a/2.jpg", true), triple("a/1.jpg", "b/1.jpg", false)];
        for list in [
            "id,image1_path,image2_path,label\n7,a/1.jpg,a/2.jpg,1\n8,a/1.jpg,b/1.jpg,0\n",
            "Same,fold,File_A,File_B\n1.0,3,\"a/1.jpg\",\"a/2.jpg\"\n0.0,3,\"a/1.jpg\",\"b/1.jpg\"\n",
        ] {
            let found = parse(list).unwrap();
            assert_eq!((found.pairs.as_slice(), found.fields), (expected.as_slice(), 3), "{list}");
        }
        assert_eq!(parse("id,image1,image2,label\n7,12,5,0\n").unwrap().pairs, [triple("12", "5", false)]);
        let short = parse("id,image1_path,image2_path,label\n7,a/1.jpg,a/2.jpg\n").unwrap_err();
        assert!(short.0 == 2 && short.1.contains("below their names"), "{short:?}");
        assert!(parse("id,image1,label,image2\n7,a/1.jpg,x,b/1.jpg\n").is_err());
        assert!(parse("id,path,mask_path,label\n7,a/1.jpg,a/1_mask.jpg,1\n").is_err());
        assert!(parse("id,image,person,label\n7,a/1.jpg,x,1\n").is_err(), "one image in a line");
    }

    #[test]
    fn an_empty_field_between_tabs_has_its_column() {
        let pair = [triple("a.jpg", "b.jpg", true)];
        for list in [
            "image1\timage2\tscore\tlabel\tis_val\na.jpg\tb.jpg\t\t1\t0\n",
            "id\timage1\timage2\tlabel\tnote\n\ta.jpg\tb.jpg\t1\t\r\n",
            // An index without a name.
            "\timage1\timage2\tlabel\n0\ta.jpg\tb.jpg\t1\n",
        ] {
            assert_eq!(parse(list).unwrap().pairs, pair, "{list}");
        }
        assert!(parse("image1\timage2\tscore\tlabel\tis_val\na.jpg\t\t0.5\t1\t0\n").is_err(), "one image");
        // Of three columns none can be left out, and tabs that only line them up do no harm.
        assert_eq!(parse("image1\t\timage2\t\tlabel\na.jpg\tb.jpg\t\t1\n").unwrap().pairs, pair);
        // Nor where a line has as many fields as there are columns.
        let padded = parse("image1\t\timage2\tscore\tlabel\na.jpg\tb.jpg\t\t0.5\t1\na.jpg\t\tc.jpg\t1\t0\n").unwrap();
        assert_eq!(padded.pairs, [pair[0].clone(), triple("a.jpg", "c.jpg", false)]);
    }

    #[test]
    fn below_the_names_of_three_columns_numbers_are_names_of_images() {
        for list in ["image1,image2,label\n12,5,0\n", "label a b\n0 12 5\n", "left\tissame\tright\n12\t0\t5\n"] {
            let found = parse(list).unwrap();
            assert_eq!((found.pairs.as_slice(), found.fields), ([triple("12", "5", false)].as_slice(), 3), "{list}");
        }
        // 7 is no label, and 5 and 7 are no images of a person 12.
        for line in ["12,5,7", "12,5", "12,5,6,0"] {
            let (number, message) = parse(&format!("image1,image2,label\n{line}\n")).unwrap_err();
            let expected = format!("expected two images and a label (0 or 1) below their names, found \"{line}\"");
            assert_eq!((number, message), (2, expected));
        }
        // A comma within a name.
        assert!(parse("label,a,b\n1,Doe, John/1.jpg,b.jpg\n").is_err());
    }

    #[test]
    fn a_first_line_that_only_looks_like_names_of_columns_is_a_pair() {
        assert_eq!(parse("Target 5 6\n").unwrap().pairs, [triple("Target/Target_0005", "Target/Target_0006", true)]);
        assert_eq!(parse("12,5,same\n").unwrap().pairs, [triple("12", "5", true)]);
        let words = parse("a/1.jpg a/2.jpg same\na/1.jpg b/1.jpg different\n").unwrap();
        assert_eq!(words.pairs, [triple("a/1.jpg", "a/2.jpg", true), triple("a/1.jpg", "b/1.jpg", false)]);
    }

    #[test]
    fn of_three_columns_the_label_is_the_one_that_is_most_plainly_called_so() {
        let expected = [triple("a/1.jpg", "b/1.jpg", false)];
        for head in
            ["source,target,label", "query,match,same", "anchor,target,issame", "query,match,target", "0,1,label"]
        {
            assert_eq!(parse(&format!("{head}\na/1.jpg,b/1.jpg,0\n")).unwrap().pairs, expected, "{head}");
        }
        for head in ["label,source,target", "same,query,match", "Match,a,b", "label,x,same_as"] {
            assert_eq!(parse(&format!("{head}\n0,a/1.jpg,b/1.jpg\n")).unwrap().pairs, expected, "{head}");
        }
        for head in ["image1,label,image2", "left,is_same,right", "probe,match,gallery", "0,label,1"] {
            assert_eq!(parse(&format!("{head}\na/1.jpg,0,b/1.jpg\n")).unwrap().pairs, expected, "{head}");
        }
    }

    #[test]
    fn a_list_of_single_images_with_a_label_between_other_columns_is_no_list_of_pairs() {
        for list in [
            "image,label,mask\na.jpg,0,a_mask.png\nb.jpg,1,b_mask.png\n",
            "image,label,fold\nanna_1,0,3\nbert_1,1,3\n",
            "path,target,camera\na.jpg,1,left.jpg\n",
        ] {
            assert!(parse(list).is_err(), "{list}");
        }
    }

    #[test]
    fn two_lines_make_a_pair_where_every_line_has_one_image() {
        let list = parse("Al_1.jpg 1\nAl_2.jpg 1\nAl_1.jpg 0\nBo_1.jpg 0\n").unwrap();
        assert_eq!(list.pairs, [triple("Al_1.jpg", "Al_2.jpg", true), triple("Al_1.jpg", "Bo_1.jpg", false)]);
        assert_eq!((list.folds, list.fields), (None, 2));
        assert_eq!(parse("a.jpg 1\nb.jpg 0\n").unwrap_err().0, 2);
        assert!(parse("a.jpg 1\nb.jpg 1\nc.jpg 1\n").unwrap_err().1.contains("other half"));
        assert!(parse("a.jpg 1\nb.jpg x\n").unwrap_err().1.contains("two lines for a pair"));
    }

    #[test]
    fn a_line_that_is_no_pair_is_named() {
        let (line, message) = parse("2\nA 1 2\nA 1\n").unwrap_err();
        assert_eq!(line, 3);
        assert!(message.contains("\"A 1\""), "{message}");
        assert!(parse("people\t5\n").is_err());
        assert!(parse("a/1.jpg 0 5 0\n").is_err());
        assert!(parse("").unwrap_err().1.contains("none"));
    }

    #[test]
    fn a_list_shorter_than_its_header_says_is_refused() {
        let (_, message) = parse("10\t300\nA\t1\t2\n").unwrap_err();
        assert!(message.contains("6000") && message.contains('1'), "{message}");
        assert!(parse("99999999999999999999 1").is_err());
        assert!(parse("9999999999999999999 9999999999").is_err());
    }
}
