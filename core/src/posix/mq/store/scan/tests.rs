//! What is found four at a time is what each word tells.

use super::*;
use crate::shared::pair::Versioned;

/// Keys of all kinds, the same ones each time: free and not, of priorities with the highest bit,
/// of the first sequence number and of late ones.
fn keys(count: usize, seed: u64) -> Vec<u64> {
    let mut state = seed.wrapping_mul(2) + 1;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(seed);
        state >> 33
    };
    let key = |one: u64, other: u64| match one % 5 {
        0 => key::FREE,
        1 => key::new(32767, other),
        2 => key::new(0, 0),
        3 => key::new(5, u64::MAX - 1),
        _ => key::new(u32::try_from(other % 32768).unwrap(), one),
    };
    (0..count).map(|_| key(next(), next())).collect()
}

#[test]
fn a_wide_look_finds_what_each_word_tells() {
    crate::os::cpu::learn_features();
    for count in 1..=40 {
        for seed in 0..50 {
            let keys = keys(count, seed);
            let words: Vec<AtomicU64> = keys.iter().map(|&key| AtomicU64::new(key)).collect();
            let nodes: Vec<Node> = keys.iter().map(|_| Node::default()).collect();
            for (node, &value) in nodes.iter().zip(&keys) {
                let new = Versioned { value, version: u64::MAX };
                assert!(node.compare_exchange(node.load(), new));
            }
            let largest = *keys.iter().max().unwrap();
            let (number, found) = largest_node(&nodes);
            assert_eq!((found, keys[number]), (largest, largest));
            let (number, found) = largest_of_few(&words);
            assert!(!key::is_message(largest) || (found, keys[number]) == (largest, largest));
            for &one in &keys {
                let rest = keys.iter().copied().filter(|&key| key != one).max().unwrap_or(0);
                let (number, found) = largest_without(&words, one);
                assert!(found == rest && (rest == 0 || keys[number] == rest));
                assert_eq!(has_larger_node(&nodes, one), keys.iter().any(|&key| key > one));
            }
        }
    }
}
