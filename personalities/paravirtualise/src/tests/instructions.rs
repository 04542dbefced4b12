//! Instructions one by one. Their encodings are those that GNU as has for them.

use cofferdam_tables::Paravirtual;

use super::small::{BASE, BLR, BODY, Small};
use crate::{Refusal, Rewritten, What, rewrite};

/// What becomes of one instruction.
fn alone(word: u32) -> Result<Rewritten, Refusal> {
    rewrite(&Small::new(&[word, BLR]).elf())
}

fn becomes(word: u32) -> (u32, What) {
    let rewritten = alone(word).expect("it can be rewritten");
    let [site] = &rewritten.sites[..] else {
        panic!("{word:#010x}: {:?}", rewritten.sites);
    };
    assert_eq!((site.address, site.before), (BODY, word));
    assert_eq!(site.symbol, "body");
    assert_eq!(site.section, ".text");
    (site.after, site.what.clone())
}

#[test]
fn reads_become_loads() {
    for (before, after) in [
        (0x7c60_00a6, 0x8060_f000), // mfmsr r3; lwz r3,-4096(0)
        (0x7d5a_02a6, 0x8140_f068), // mfspr r10,SRR0; lwz r10,-3992(0)
        (0x7c1f_faa6, 0x8000_fffc), // mfspr r0,SVR; lwz r0,-4(0)
        (0x7c7d_92a6, 0x8060_f974), // mfspr r3,605; lwz r3,-1676(0)
        (0x7c70_0aa6, 0x8060_f0c0), // mfspr r3,PID; lwz r3,-3904(0)
    ] {
        assert_eq!(becomes(before), (after, What::Load), "{before:#010x}");
    }
}

#[test]
fn writes_become_stores() {
    for (before, after) in [
        (0x7cb3_43a6, 0x90a0_f44c), // mtspr SPRG3,r5; stw r5,-2996(0)
        (0x7d90_eba6, 0x9180_fec0), // mtspr MAS7,r12; stw r12,-320(0)
    ] {
        assert_eq!(becomes(before), (after, What::Store), "{before:#010x}");
    }
}

#[test]
fn what_does_nothing_becomes_nothing() {
    for before in [
        0x7c00_046c, // tlbsync
        0x7d75_fba6, // mtspr BUCSR,r11
    ] {
        assert_eq!(becomes(before), (0x6000_0000, What::Nop), "{before:#010x}");
    }
}

#[test]
fn a_return_is_an_instruction_that_says_so() {
    assert_eq!(becomes(0x4c00_0064), (0x1000_0200, What::Return));
}

#[test]
fn what_does_more_traps() {
    for word in [
        0x7c00_07a4, // tlbwe
        0x7c00_1bac, // dcbi 0,r3
        0x7c70_0ba6, // mtspr PID,r3
        0x7c70_53a6, // mtspr TSR,r3
        0x7c76_02a6, // mfspr r3,DEC
        0x7c76_03a6, // mtspr DEC,r3
        0x7c7f_43a6, // mtspr PVR,r3
        0x7c7e_aaa6, // mfspr r3,EPR
        0x7c79_52a6, // mfspr r3,TLB1PS
        0x4c00_0066, // rfci
        0x4c00_004e, // rfdi
    ] {
        let (after, what) = becomes(word);
        assert_eq!(after, word);
        assert!(matches!(what, What::Left { .. }), "{word:#010x}: {what:?}");
    }
}

#[test]
fn what_user_level_has_is_nobodys_business() {
    for word in [
        0x7c8c_42a6, // mftb r4
        0x7c84_42a6, // mfspr r4,SPRG4, the number for user level
        0x7c64_289e, // isel r3,r4,r5,2
        0x7c08_02a6, // mflr r0
        0x7c00_04ac, // msync
        0x4400_0002, // sc
    ] {
        let rewritten = alone(word).expect("it can be rewritten");
        assert_eq!(rewritten.sites, [], "{word:#010x}");
    }
}

#[test]
fn what_nobody_emulates_is_refused() {
    for word in [
        0x7c96_0ba6, // mtspr DECAR,r4
        0x7c70_029c, // mfpmr r3,16
        0x7c75_9ba6, // mtspr MAS5,r3
    ] {
        let refusal = alone(word).expect_err("nobody emulates it");
        let text = refusal.to_string();
        assert!(text.contains("0xc0000008, body"), "{text}");
        assert!(text.contains(&format!("{word:#010x}")), "{text}");
        assert!(matches!(refusal, Refusal::Unknown { .. }), "{text}");
    }
}

#[test]
fn an_instruction_of_the_spe_is_refused() {
    let refusal = alone(0x1000_0200).expect_err("guests have no SPE");
    assert!(matches!(refusal, Refusal::Signal { address: BODY, .. }));
}

/// The words of an image from an effective address on.
fn words(rewritten: &Rewritten, from: u32, number: usize) -> Vec<u32> {
    let from = (from - BASE) as usize;
    let bytes = &rewritten.image[from..from + 4 * number];
    let words = bytes.as_chunks().0.iter();
    words.map(|word| u32::from_be_bytes(*word)).collect()
}

#[test]
fn enabling_and_disabling_go_to_stubs() {
    // The image is two pages: stubs begin at 0xc0002000, those that enable at the next 32 bytes.
    let code = [
        0x7c00_8146, // wrteei 1
        0x7c00_0146, // wrteei 0
        0x7c60_0106, // wrtee r3
        0x7d80_0106, // wrtee r12
        BLR,
    ];
    let rewritten = rewrite(&Small::new(&code).elf()).expect("it can be rewritten");
    assert_eq!(
        rewritten.paravirtual,
        Paravirtual {
            stubs: 0xc000_2000,
            enabling_stubs: 0xc000_2020,
            stubs_end: 0xc000_2080,
            linear: 0xc000_0000,
            kernel_table: 0,
            process_table: 0,
        }
    );
    assert_eq!(rewritten.reserved, 0x2000..0x3000);
    assert_eq!(rewritten.image.len(), 0x3000);
    assert_eq!(
        words(&rewritten, BODY, 4),
        [
            0x4800_2018, // b 0xc0002020
            0x4800_1ff4, // b 0xc0002000
            0x4800_2030, // b 0xc0002040
            0x4800_204c, // b 0xc0002060
        ]
    );
    assert_eq!(
        words(&rewritten, 0xc000_2000, 8),
        [
            0x9180_f00c, // stw r12,-4084(0)
            0x8180_f000, // lwz r12,-4096(0)
            0x558c_045e, // rlwinm r12,r12,0,17,15
            0x9180_f000, // stw r12,-4096(0)
            0x8180_f00c, // lwz r12,-4084(0)
            0x4bff_dffc, // b 0xc0000010
            0,
            0,
        ]
    );
    assert_eq!(
        words(&rewritten, 0xc000_2020, 8),
        [
            0x9180_f00c, // stw r12,-4084(0)
            0x8180_f000, // lwz r12,-4096(0)
            0x618c_8000, // ori r12,r12,0x8000
            0x9180_f000, // stw r12,-4096(0)
            0x8180_f010, // lwz r12,-4080(0)
            0x0f0c_0000, // twnei r12,0
            0x8180_f00c, // lwz r12,-4084(0)
            0x4bff_dfd0, // b 0xc000000c
        ]
    );
    assert_eq!(
        words(&rewritten, 0xc000_2048, 1),
        [0x506c_0420] // rlwimi r12,r3,0,16,16
    );
    assert_eq!(
        words(&rewritten, 0xc000_2060, 8),
        [
            0x9160_f00c, // stw r11,-4084(0)
            0x8160_f000, // lwz r11,-4096(0)
            0x518b_0420, // rlwimi r11,r12,0,16,16
            0x9160_f000, // stw r11,-4096(0)
            0x8160_f010, // lwz r11,-4080(0)
            0x0f0b_0000, // twnei r11,0
            0x8160_f00c, // lwz r11,-4084(0)
            0x4bff_df9c, // b 0xc0000018
        ]
    );
}
