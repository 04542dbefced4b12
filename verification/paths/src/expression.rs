//! Bounds as `facts.toml` writes them: whole numbers, numbers of the system by name, `+ - * /`, `max(a, b)`, `min(a, b)`, parentheses.
//! A division rounds up: a part of a block is a turn of the loop as well.

use anyhow::{Context, Result, bail, ensure};

/// What an expression is worth, given what names mean.
///
/// # Errors
/// It cannot be read, a name means nothing, or a difference is less than nothing.
pub fn value(text: &str, number: &dyn Fn(&str) -> Result<u64>) -> Result<u64> {
    let mut parser = Parser {
        words: words(text),
        at: 0,
        number,
    };
    let value = parser.sum().with_context(|| format!("`{text}`"))?;
    ensure!(
        parser.at == parser.words.len(),
        "`{text}`: there is something behind its end"
    );
    Ok(value)
}

fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for letter in text.chars() {
        let of_word = letter.is_ascii_alphanumeric() || letter == '_';
        match words.last_mut() {
            Some(word) if of_word && in_word => word.push(letter),
            _ if letter.is_whitespace() => {}
            _ => words.push(letter.to_string()),
        }
        in_word = of_word;
    }
    words
}

struct Parser<'a> {
    words: Vec<String>,
    at: usize,
    number: &'a dyn Fn(&str) -> Result<u64>,
}

impl Parser<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.get(self.at).is_some_and(|next| next == word);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        ensure!(self.next_is(word), "`{word}` is missing");
        Ok(())
    }

    fn sum(&mut self) -> Result<u64> {
        let mut value = self.product()?;
        loop {
            if self.next_is("+") {
                value += self.product()?;
            } else if self.next_is("-") {
                let less = self.product()?;
                value = value
                    .checked_sub(less)
                    .with_context(|| format!("{value} - {less} is less than nothing"))?;
            } else {
                return Ok(value);
            }
        }
    }

    fn product(&mut self) -> Result<u64> {
        let mut value = self.factor()?;
        loop {
            if self.next_is("*") {
                value *= self.factor()?;
            } else if self.next_is("/") {
                let by = self.factor()?;
                ensure!(by != 0, "a division by zero");
                value = value.div_ceil(by);
            } else {
                return Ok(value);
            }
        }
    }

    fn factor(&mut self) -> Result<u64> {
        if self.next_is("(") {
            let value = self.sum()?;
            self.expect(")")?;
            return Ok(value);
        }
        for (word, choose) in [("max", u64::max as fn(u64, u64) -> u64), ("min", u64::min)] {
            if self.next_is(word) {
                self.expect("(")?;
                let one = self.sum()?;
                self.expect(",")?;
                let other = self.sum()?;
                self.expect(")")?;
                return Ok(choose(one, other));
            }
        }
        let Some(word) = self.words.get(self.at) else {
            bail!("it ends too early");
        };
        self.at += 1;
        match word.parse() {
            Ok(value) => Ok(value),
            Err(_) => (self.number)(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::value;

    fn of(text: &str) -> anyhow::Result<u64> {
        value(text, &|name| match name {
            "channels" => Ok(7),
            _ => anyhow::bail!("there is no {name}"),
        })
    }

    #[test]
    fn expressions_are_worth_what_they_say() {
        assert_eq!(of("3").unwrap(), 3);
        assert_eq!(of("1 + 2 * channels").unwrap(), 15);
        assert_eq!(of("(1 + 2) * channels - 1").unwrap(), 20);
        assert_eq!(of("max(512, channels)/64").unwrap(), 8);
        assert_eq!(of("channels / 2 + min(channels, 1)").unwrap(), 5);
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "", "1 +", "1 2", "windows", "1 - 2", "(1", "max(1)", "1 / 0",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
