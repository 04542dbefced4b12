//! Inputs that are nearly right: seeds with a few changes.

use fastrand::Rng;

/// Inputs are not grown beyond this.
const LONGEST: usize = 1 << 16;
/// At most so many bytes are removed, repeated or taken from another seed at once.
const LONGEST_PIECE: usize = 48;
/// Words that are more likely than others to be a limit.
const WORDS: [u32; 8] = [0, 1, 0x7f, 0x80, 0xffff, 0x7fff_ffff, 0x8000_0000, u32::MAX];

/// Seeds, and changes of them.
pub struct Mutation {
    seeds: Vec<Vec<u8>>,
}

impl Mutation {
    pub fn of(seeds: Vec<Vec<u8>>) -> Self {
        Self { seeds }
    }

    /// The input of this number. The first are the seeds as they are.
    pub fn input(&self, number: u64) -> Vec<u8> {
        if let Some(seed) = usize::try_from(number).ok().and_then(|n| self.seeds.get(n)) {
            return seed.clone();
        }
        let mut rng = Rng::with_seed(number);
        if rng.u8(..) < 8 {
            let length = rng.usize(..600);
            return (0..length).map(|_| rng.u8(..)).collect();
        }
        let mut input = self.seed(&mut rng).to_vec();
        for _ in 0..1 << rng.u32(..5) {
            self.change(&mut input, &mut rng);
        }
        input.truncate(LONGEST);
        input
    }

    fn seed(&self, rng: &mut Rng) -> &[u8] {
        match self.seeds.len() {
            0 => &[],
            count => &self.seeds[rng.usize(..count)],
        }
    }

    fn change(&self, input: &mut Vec<u8>, rng: &mut Rng) {
        let place = rng.usize(..=input.len());
        let length = rng.usize(1..=LONGEST_PIECE).min(input.len() - place);
        match rng.u8(..11) {
            0 | 1 if length > 0 => input[place] ^= 1 << rng.u8(..8),
            2 if length > 0 => input[place] = rng.u8(..),
            3 if length > 0 => {
                input[place] = input[place].wrapping_add(rng.u8(..3)).wrapping_sub(1)
            }
            4 if length >= 4 => {
                let word = WORDS[rng.usize(..WORDS.len())];
                input[place..place + 4].copy_from_slice(&word.to_be_bytes());
            }
            5 => drop(input.drain(place..place + length)),
            6 => {
                let again = input[place..place + length].to_vec();
                input.splice(place..place, again);
            }
            7 => input.truncate(place.max(1)),
            // In a text the numbers matter most.
            8 | 9 => {
                if let Some(digit) = input[place..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                    *digit = rng.u8(b'0'..=b'9');
                }
            }
            _ => {
                let other = self.seed(rng);
                let from = rng.usize(..=other.len());
                let until = (from + rng.usize(1..=LONGEST_PIECE)).min(other.len());
                input.splice(
                    place..place + length * rng.usize(..2),
                    other[from..until].iter().copied(),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_has_its_number() {
        let mutation = Mutation::of(vec![b"one".to_vec(), b"another".to_vec()]);
        assert_eq!(mutation.input(1), b"another");
        let some: Vec<_> = (0..1000).map(|number| mutation.input(number)).collect();
        assert!((0..1000).all(|number| mutation.input(number) == some[number as usize]));
        let mut different = some.clone();
        different.sort();
        different.dedup();
        assert!(different.len() > 500, "{}", different.len());
    }
}
