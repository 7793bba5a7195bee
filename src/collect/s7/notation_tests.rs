//! Table of addresses as other programs write them.

use super::*;
use crate::collect::registry;
use crate::domain::device::DeviceSpec;

fn parsed(text: &str) -> Result<String, String> {
    registry::parse_address(&DeviceSpec::new("plc", Protocol::S7), text).map(|address| address.to_string())
}

/// As other programs write an address, and its canonical form.
const UNDERSTOOD: &[(&str, &str)] = &[
    ("DB1,REAL0", "DB1.DBD0:fp32"),
    ("db1,r0", "DB1.DBD0:fp32"),
    ("DB1,X14.3", "DB1.DBX14.3"),
    ("DB1,BOOL14.3", "DB1.DBX14.3"),
    ("DB1,INT4", "DB1.DBW4:int16"),
    ("DB1,DINT4", "DB1.DBD4:int32"),
    ("DB1,WORD4", "DB1.DBW4"),
    ("DB1,DWORD4", "DB1.DBD4"),
    ("DB1,BYTE4", "DB1.DBB4"),
    ("DB1,W4", "DB1.DBW4"),
    ("DB1,D0", "DB1.DBD0"),
    ("DB1,B7", "DB1.DBB7"),
    ("DB1,W4:INT", "DB1.DBW4:int16"),
    ("MDWORD0", "MD0"),
    ("QWORD4", "QW4"),
    ("IBYTE2", "IB2"),
    ("DB1,SINT4", "DB1.DBB4:int8"),
    ("DB1,LREAL8", "DB1.DBD8:fp64"),
    ("DB1,S10.20", "DB1.DBB10:string20"),
    ("DB1.WSTRING10.20", "DB1.DBB10:wstring20"),
    ("DB1.DBX10.0:WSTRING20", "DB1.DBB10:wstring20"),
    ("DB1,C10.20", "DB1.DBB10:text20"),
    ("DB1,CHAR10", "DB1.DBB10:text1"),
    ("DB1,DT0", "DB1.DBB0:dt"),
    ("DB1,DTL0", "DB1.DBB0:dtl"),
    ("DB1,LDT8", "DB1.DBD8:ldt"),
    ("DB1,S5TIME0", "DB1.DBW0:s5time"),
    ("DB1,DATE0", "DB1.DBW0:date"),
    ("MTOD30", "MD30:tod"),
    ("DB1.R0", "DB1.DBD0:fp32"),
    ("DB1.X5.0", "DB1.DBX5.0"),
    ("DB1.B3", "DB1.DBB3"),
    ("DB1.W16", "DB1.DBW16"),
    ("DB1.DW16", "DB1.DBD16"),
    ("DB1.I4", "DB1.DBW4:int16"),
    ("DB1.DI4", "DB1.DBD4:int32"),
    ("DB1.S1210.10", "DB1.DBB1210:string10"),
    ("DB1.DT20", "DB1.DBB20:dt"),
    ("MK.W2", "MW2"),
    ("PE.B2", "IB2"),
    ("PA.X2.1", "Q2.1"),
    ("DB1.DBX4.0:REAL", "DB1.DBB4:fp32"),
    ("DB1.DBD4:REAL", "DB1.DBD4:fp32"),
    ("DB1.DBX4.0:BOOL", "DB1.DBX4.0"),
    ("DB1.DBB10:STRING20", "DB1.DBB10:string20"),
    ("DB1,REAL0:REAL", "DB1.DBD0:fp32"),
    ("MR30", "MD30:fp32"),
    ("MREAL30", "MD30:fp32"),
    ("MDI30", "MD30:int32"),
    ("QI4", "QW4:int16"),
    ("II6", "IW6:int16"),
    ("EB4", "IB4"),
    ("AW4", "QW4"),
    ("VW100", "DB1.DBW100"),
    ("VB100", "DB1.DBB100"),
    ("VD100", "DB1.DBD100"),
    ("V0.3", "DB1.DBX0.3"),
    ("VD100:REAL", "DB1.DBD100:fp32"),
    ("DI5.DIW0", "DB5.DBW0"),
    ("DI5.DBX0.1", "DB5.DBX0.1"),
    ("PEW256", "PIW256"),
    ("PAW256", "QW256"),
    ("T5:S5TIME", "T5:s5time"),
    ("C5:bcd16", "C5:bcd16"),
    ("T5:int8", "T5:int8"),
    ("DB1.DBB1:int8", "DB1.DBB1:int8"),
    ("DB1,W4:INT24", "DB1.DBW4:int24"),
    ("DB1.DBX1.0:UINT48", "DB1.DBB1:uint48"),
    ("DB1.DBX1.0:SINT", "DB1.DBB1:int8"),
    ("MB7:bool", "MB7:bit"),
];

#[test]
fn addresses_of_other_programs_are_understood() {
    for (text, canonical) in UNDERSTOOD {
        assert_eq!(parsed(text).as_deref(), Ok(*canonical), "{text}");
        let device = DeviceSpec::new("plc", Protocol::S7);
        let again = registry::parse_address(&device, canonical);
        assert_eq!(again, registry::parse_address(&device, text), "{text}");
    }
}

#[test]
fn what_is_no_address_says_what_would_be() {
    for (text, why) in [
        ("DB1.0", "The size or type is missing: DB1.DBX0.3"),
        ("DB1,0", "The size or type is missing: DB1.DBX0.3"),
        ("DIW0", "DI without a number is the instance data block"),
        ("DIX0.0", "DI without a number is the instance data block"),
        ("AI1", "AI is an analog input of a LOGO!"),
        ("DB1,INT0.12", "An address names one value"),
        ("DB1,W0.12", "An address names one value"),
        ("DB1,S10", "A STRING is named by its first byte"),
        ("DB1,S10.255", "A STRING is named by its first byte"),
        (
            "DB1,WSTRING10",
            "A STRING is named by its first byte and its declared length, DB1.S10.20, and a WSTRING",
        ),
        ("DB1,WSTRING10.16383", "A STRING is named by its first byte"),
        ("DB1,X14", "A bit is named by its byte"),
        ("DB1,DTZ0", "`DTZ` is no type of a register: use one of bit, byte, int8"),
        ("DB1.DBX0.8", "A bit is named by its byte"),
        ("DB0,INT0", "The number of a data block is 1 to 65535"),
        ("DB1,INT65536", "The number counts bytes and is decimal"),
        ("DB1.DBD0:bcd17", "`bcd17` is no type of a register: use one of bit, byte, int8, int16"),
        ("DB1.DBX0.3:REAL", "DB1.DBX0.3 is a single bit and holds no fp32."),
        ("DB1,REAL0:INT", "DB1.DBD0:fp32 names the type fp32 already, not int16."),
        (
            "DB1.DBW0:int8",
            "DB1.DBW0 begins with its high byte: write DB1.DBB1:int8 for the low byte or DB1.DBB0:int8 for",
        ),
        ("DB1,W0:BYTE", "DB1.DBW0 begins with its high byte: write DB1.DBB1:byte for the low byte"),
        ("PIW256:bool", "PIW256 begins with its high byte: write PIB257:bit for the low byte"),
        (
            "MD4:SINT",
            "MD4 begins with its high byte: write MB7:int8 for the low byte or MB4:int8 for the high one.",
        ),
        (
            "DB1.DBD0:int24",
            "DB1.DBD0 begins with its high byte: write DB1.DBB1:int24 for the low three bytes or DB1.DBB0:int24 for the high three.",
        ),
        ("T5:DINT", "int32 at T5:int32 is wider than a single timer or counter of 16 bits."),
        ("C5:text4", "text at C5:text4 is wider than a single timer or counter of 16 bits."),
        ("hr:0", "Use DB1.DBX0.3"),
    ] {
        let error = parsed(text).unwrap_err();
        assert!(error.starts_with(&format!("Invalid register \"{text}\". {why}")), "{text}: {error}");
    }
}
