//! What became of a folder of faces, in the words that the window and the terminal have in common. What to do is not among
//! them: the one has buttons, the other options. Nor is the way a number is written.

use super::Aligned;
use crate::config::noun;

impl Aligned {
    /// How many images were aligned and what became of the others, without the stop; each number as `count` writes it.
    pub fn words(&self, count: impl Fn(usize) -> String) -> String {
        let part = |images: u64, words: &str| match images {
            0 => String::new(),
            images => format!(", {} {words}", count(images as usize)),
        };
        let images = self.images as usize;
        format!(
            "{} of {} {} aligned{}{}{}{}{}",
            count((self.aligned + self.already) as usize),
            count(images),
            noun(images, "image", "images"),
            part(self.already, "of them earlier"),
            part(self.unfound, "without a face"),
            part(self.kept, "of those kept"),
            part(self.left_out, "left out"),
            part(self.excluded, "excluded")
        )
    }

    /// Of crops that are there already and are not as they would be made now, without the stop; none where there are none.
    pub fn otherwise_words(&self, count: impl Fn(usize) -> String) -> Option<String> {
        let crops = self.otherwise as usize;
        (crops > 0).then(|| {
            format!(
                "{} {} made earlier, of another kind of file or with a lower score than asked for now, {} as before",
                count(crops),
                noun(crops, "crop", "crops"),
                noun(crops, "stays", "stay")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_none_of_is_not_told() {
        let digits = |number: usize| number.to_string();
        let plain = Aligned { images: 1, aligned: 1, ..Aligned::default() };
        assert_eq!((plain.words(digits), plain.otherwise_words(digits)), ("1 of 1 image aligned".to_owned(), None));
        let all =
            Aligned { aligned: 3, already: 2, unfound: 4, kept: 1, left_out: 6, excluded: 7, ..Aligned::default() };
        let said = Aligned { images: 15, ..all }.words(|number| format!("<{number}>"));
        let parts = "<2> of them earlier, <4> without a face, <1> of those kept, <6> left out, <7> excluded";
        assert_eq!(said, format!("<5> of <15> images aligned, {parts}"));
        let otherwise = |otherwise| Aligned { otherwise, ..Aligned::default() }.otherwise_words(digits).unwrap();
        assert!(otherwise(1).starts_with("1 crop made earlier") && otherwise(1).ends_with("stays as before"));
        assert!(otherwise(2).starts_with("2 crops made earlier") && otherwise(2).ends_with("stay as before"));
    }
}
