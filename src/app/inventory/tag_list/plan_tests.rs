//! Tests of whole tag lists, as programs write them: what becomes of each row on a device.

use std::fs;

use uuid::Uuid;

use super::*;
use crate::app::inventory::tag_list::encoding::decode;
use crate::app::inventory::tag_list::format::TagListFormat;
use crate::app::inventory::tag_list::{parse, vendor_addresses};
use crate::domain::window::Windows;
use crate::domain::{Micros, OrgId, StreamId};

/// A row that becomes a stream, in short: its name, path, type, scale, offset and unit.
fn added(plan: &TagListPlan) -> Vec<String> {
    let streams = plan.lines.iter().filter_map(|line| match &line.outcome {
        TagOutcome::Added { stream, .. } => Some((&line.name, stream)),
        _ => None,
    });
    let text = |(name, s): (&String, &TagStream)| {
        format!("{name} {} {} {} {} {}", s.path, s.kind, s.scale, s.offset, s.unit).trim_end().to_owned()
    };
    streams.map(text).collect()
}

/// Line and reason of each row that is left out.
fn left_out(plan: &TagListPlan) -> Vec<(u64, &str)> {
    let left_out = plan.lines.iter().filter_map(|line| match &line.outcome {
        TagOutcome::LeftOut { reason } => Some((line.line, reason.as_str())),
        _ => None,
    });
    left_out.collect()
}

fn plan_file(name: &str, protocol: Protocol) -> (TagListFormat, &'static str, TagListPlan) {
    let bytes = fs::read(format!("tests/fixtures/tags/{name}")).expect("a list");
    let decoded = decode(&bytes).expect("text");
    let (table, rows) = parse::parse(&decoded.text).expect("a tag list");
    (table.format, decoded.encoding, plan(rows, &DeviceSpec::new("Press", protocol), &[]))
}

/// Checks that the left out rows have these lines and parts of reasons.
fn assert_left_out(plan: &TagListPlan, expected: &[(u64, &str)]) {
    let found = left_out(plan);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((line, reason), (expected_line, part)) in found.iter().zip(expected) {
        assert!(line == expected_line && reason.contains(part), "line {line}: {reason}");
    }
}

#[test]
fn a_list_of_kepserver_becomes_streams_of_a_modbus_device() {
    let (format, encoding, plan) = plan_file("kepserver.csv", Protocol::Modbus);
    assert_eq!((format, encoding), (TagListFormat::Kepserver, "windows-1252"));
    let expected = [
        "Motor.Speed 400101 uint16 1 0 1/min",
        "Motor.Running 000001 bit 1 0",
        "Motor.Fault 400102.3 bit 1 0",
        "Motor.Temperature 300012 int16 0.1 0 °C",
        "Tank.Level 400110 fp32 1 0 %",
        "Tank.Pressure 400120 uint16 0.000625 -2.5 bar",
        "Tank.Flow 400130 uint16 1 0 l/h",
        "Recipe.Setpoints 400300:uint16[10] json 1 0",
    ];
    assert_eq!(added(&plan), expected);
    let reasons =
        [(10, "type `Date` is none of"), (11, "scaling `Square Root`"), (12, "Invalid register \"D100\"")];
    assert_left_out(&plan, &reasons);
}

#[test]
fn a_tag_table_of_tia_portal_becomes_streams_of_an_s7_device() {
    let (format, encoding, plan) = plan_file("tia_portal.csv", Protocol::S7);
    assert_eq!((format, encoding), (TagListFormat::TiaPortal, "UTF-16LE"));
    let expected = [
        "Drehzahl Ist %MW10 int16 1 0",
        "Läuft %I0.0 bit 1 0",
        "Sollwert %MD20 fp32 1 0",
        "Laufzeit %MD24 int32 1 0 ms",
        "Füllstand %IW64 uint16 1 0",
        "Teile %DB1.DBD4 int32 1 0",
        "Rezept %MW200:int16[10] json 1 0",
    ];
    assert_eq!(added(&plan), expected);
    let reasons = [(8, "list the address of each member"), (10, "Invalid register")];
    assert_left_out(&plan, &reasons);
}

#[test]
fn tags_of_studio_5000_become_streams_of_a_controller() {
    let (format, encoding, plan) = plan_file("studio5000.csv", Protocol::Eip);
    assert_eq!((format, encoding), (TagListFormat::Studio5000, "UTF-8"));
    let expected = [
        "LineSpeed LineSpeed fp32 1 0",
        "PartCount PartCount int32 1 0",
        "Running Running bit 1 0",
        "Zone Zone int16 1 0",
        "Batch Batch text 1 0",
        "Temperatures[0] Temperatures[0] fp32 1 0",
        "Temperatures[1] Temperatures[1] fp32 1 0",
        "Temperatures[2] Temperatures[2] fp32 1 0",
        "MainProgram.State Program:MainProgram.State int32 1 0",
    ];
    assert_eq!(added(&plan), expected);
    let reasons = [(14, "`TIMER` is a structure"), (15, "an alias of `Local:1:I.Data.0`"), (16, "a comment")];
    assert_left_out(&plan, &reasons);
}

#[test]
fn a_plain_list_has_decimal_commas_and_refuses_double_names() {
    let (format, encoding, plan) = plan_file("plain.csv", Protocol::Modbus);
    assert_eq!((format, encoding), (TagListFormat::Plain, "UTF-8"));
    let expected = [
        "speed hr:100 uint16 1 0 1/min",
        "temperature ir:11 int16 0.1 -40 °C",
        "level hr:109 fp32 1 0 %",
        "running co:0 bit 1 0",
    ];
    assert_eq!(added(&plan), expected);
    let reasons =
        [(6, "line 2 has this name already"), (7, "type `int` is none of"), (8, "Invalid register \"D100\"")];
    assert_left_out(&plan, &reasons);
}

fn stream(spec: StreamSpec) -> Arc<Stream> {
    Arc::new(Stream {
        id: StreamId(1),
        org: OrgId(1),
        uuid: Uuid::nil(),
        channel: 1,
        spec,
        windows: Windows::default(),
        created_at: Micros(0),
        updated_at: Micros(0),
    })
}

fn plan_text(text: &str, existing: &[Arc<Stream>]) -> TagListPlan {
    let (_, rows) = parse::parse(text).expect("a tag list");
    plan(rows, &DeviceSpec::new("Press", Protocol::Modbus), existing)
}

#[test]
fn streams_that_exist_by_name_or_address_are_left_alone() {
    let text = "name,address,type,unit\nspeed,hr:0,uint16,rpm\nlevel,hr:1,uint16,%\nboth,hr:0,fp32,\n";
    let first = plan_text(text, &[]);
    let made: Vec<_> = first.additions.iter().map(|(_, spec)| stream(spec.clone())).collect();
    assert_eq!(made.len(), 3);
    assert!(plan_text(text, &made).additions.is_empty());

    // Somebody changed the unit of one, wrote its address otherwise and has renamed another.
    let speed = StreamSpec { unit: "1/min".to_owned(), path: "40001".to_owned(), ..made[0].spec.clone() };
    let level = StreamSpec { name: "Level of the tank".to_owned(), ..made[1].spec.clone() };
    let again = plan_text(text, &[stream(speed), stream(level)]);
    let names: Vec<_> = again.additions.iter().map(|(_, spec)| spec.name.as_str()).collect();
    assert_eq!(names, ["both"]);
    let differences =
        vec![TagDifference { field: "unit".to_owned(), stream: "1/min".to_owned(), list: "rpm".to_owned() }];
    assert_eq!(again.lines[0].outcome, TagOutcome::Exists { stream: "speed".to_owned(), differences });
    let renamed = TagOutcome::Exists { stream: "Level of the tank".to_owned(), differences: Vec::new() };
    assert_eq!(again.lines[1].outcome, renamed);
}

#[test]
fn a_row_needs_a_name_an_address_and_a_closed_quotation() {
    let long = "x\n".repeat(600);
    let text = format!("name,address,type,description\n,hr:0,uint16,\na,,uint16,\nb,hr:1,uint16,\"{long}");
    let plan = plan_text(&text, &[]);
    assert_left_out(&plan, &[(2, "no name"), (3, "no address"), (4, "a quotation mark may be missing")]);
    let text = format!("name,address,type,description\na,hr:0,uint16,\"{long}\"\n");
    assert_left_out(&plan_text(&text, &[]), &[(2, "the description has more than 1000 characters")]);
}

/// Each of these rows would become a stream with values that are wrong, or hide the rows behind it.
#[test]
fn a_row_whose_cells_are_not_those_that_were_meant_is_left_out() {
    let header = "name,address,type,scale,offset,description\n";
    let text = format!(
        "{header}a,hr:0,int16,0,1,-40,inlet\nb,hr:1,int16,1,0,\"5\" pipe\"\nc,hr:2,int16,0,5,\n\
         d,hr:3,int16,\"1\",0,\"5\"\" pipe, 2 m\"\ne,hr:4,int16,1,0,\"all\nf,hr:5,int16,1,0,of it\n"
    );
    let planned = plan_text(&text, &[]);
    assert_eq!(added(&planned), ["d hr:3 int16 1 0"]);
    let reasons = [
        (2, "7 cells where the header has 6"),
        (3, "text follows a closing one"),
        (4, "scale 0 makes every value 5"),
        (6, "one is never closed"),
    ];
    assert_left_out(&planned, &reasons);
}

#[test]
fn what_is_no_tag_list_is_refused_with_the_headers_of_all() {
    let message = parse::parse("Tag;Wert\na;1\n").expect_err("no list").message;
    for part in
        ["Tag Name, Address, Data Type", "Logical Address", "TYPE, SCOPE, NAME", "name, address, type"]
    {
        assert!(message.contains(part), "{message}");
    }
    let factor = parse::parse("name,address,type,factor\na,hr:0,uint16,2\n").expect_err("unknown").message;
    assert!(factor.contains("`factor` is no column"), "{factor}");
    let rows = "a,hr:0,uint16\n".repeat(parse::MAX_ROWS + 1);
    let error = parse::parse(&format!("name,address,type\n{rows}")).expect_err("too many");
    assert_eq!(error.kind, crate::domain::Kind::TooLarge);
}

#[test]
fn types_of_registers_stand_behind_the_address() {
    let list = "name,address,type\ncount,hr:5,BCD\ntemperature,hr:6,int8\n";
    let (_, rows) = parse::parse(list).expect("a tag list");
    let planned = plan(rows.clone(), &DeviceSpec::new("Press", Protocol::Modbus), &[]);
    assert_eq!(added(&planned), ["count hr:5:bcd16 uint16 1 0", "temperature hr:6:int8 int16 1 0"]);
    let planned = plan(rows, &DeviceSpec::new("Press", Protocol::Eip), &[]);
    assert_left_out(&planned, &[(2, "type bcd16 is one of registers"), (3, "type int8 is one of registers")]);
}

#[test]
fn texts_and_dates_of_tia_portal_are_those_of_s7() {
    let list = "Name;Path;Data Type;Logical Address;Comment\nbatch;;WString[20];%DB1.DBB10;\norder;;String [8];%DB1.DBB60;\n\
                note;;WString;%DB2.DBX0.0;\nday;;Date;%MW10;\nstart;;Time_Of_Day;%MD12;\n";
    let (_, rows) = parse::parse(list).expect("a tag list");
    let planned = plan(rows, &DeviceSpec::new("Press", Protocol::S7), &[]);
    let expected = [
        "batch %DB1.DBB10:wstring20 text 1 0",
        "order %DB1.DBB60:string8 text 1 0",
        "note %DB2.DBX0.0:wstring254 text 1 0",
        "day %MW10:date text 1 0",
        "start %MD12:tod uint32 1 0 ms",
    ];
    assert_eq!(added(&planned), expected, "{:?}", left_out(&planned));
}

#[test]
fn the_arrays_of_a_list_have_so_many_elements_and_no_more() {
    let header = "TYPE,SCOPE,NAME,DESCRIPTION,DATATYPE,SPECIFIER";
    let arrays: Vec<String> = (2..13).map(|line| format!("TAG,,A{line},,DINT[999],")).collect();
    let others = "TAG,Main,B,,DINT[10],\nTAG,,C,,DINT[1],\nTAG,,D,,DINT,\n";
    let list = format!("{header}\n{}\n{others}", arrays.join("\n"));
    let (_, rows) = parse::parse(&list).expect("a tag list");
    let (kept, refused): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.tag.is_ok());
    let last = kept[parse::MAX_ELEMENTS - 1..].iter().map(|row| (row.line, row.name.as_str()));
    assert_eq!(last.collect::<Vec<_>>(), [(13, "Main.B[9]"), (15, "D")]);
    let refused = refused.iter().map(|row| (row.line, row.name.as_str()));
    assert_eq!(refused.collect::<Vec<_>>(), [(12, "A12"), (14, "C")]);
}

#[test]
fn an_array_is_a_stream_where_an_address_names_it_and_else_the_line_says_why() {
    let planned = |list: &str, protocol| {
        let (table, rows) = parse::parse(list).expect("a tag list");
        let rows = vendor_addresses::translate(table.format, protocol, rows);
        plan(rows, &DeviceSpec::new("Press", protocol), &[])
    };
    let kepserver = "Tag Name,Address,Data Type\na,41 [4],Short Array\nb,41 [4],Default\nc,000001 [8],Boolean Array\n\
                     d,\"DB1,REAL0[3]\",Float Array\ne,Speeds,Long Array\nf,40001 [126],Word Array\n";
    let scaled = "name,address,type,scale\na,hr:0:int16[4],json,0.1\nb,hr:0:int16[4],json,1\n";
    assert_left_out(&planned(scaled, Protocol::Modbus), &[(2, "the values of an array are not scaled")]);
    let found = planned(kepserver, Protocol::Modbus);
    let expected = ["a 4:1:int16[4] json 1 0", "b 4:1[4] json 1 0", "c 000001:bit[8] json 1 0"];
    assert_eq!(added(&found), expected, "{:?}", left_out(&found));
    let reasons = [
        (5, "Invalid register \"DB1,REAL0:fp32[3]\""),
        (6, "does not end with the number"),
        (7, "is longer than one request reads"),
    ];
    assert_left_out(&found, &reasons);
    let found = planned(kepserver, Protocol::S7);
    assert_eq!(added(&found), ["d DB1,REAL0:fp32[3] json 1 0"], "{:?}", left_out(&found));
    let found = planned("Tag Name,Address,Data Type\na,Speeds[2],Long Array\n", Protocol::Eip);
    assert_left_out(
        &found,
        &[(2, "an address of eip names one value, not an array: list each element, such as Speeds[0]")],
    );
    let tia = "Name;Path;Data Type;Logical Address;Comment\na;;Array[0..7] of Bool;%M10.0;\nb;;Array[0..3] of Byte;%MB20;\n\
               c;;Array[1..2] of Date;%MW30;\nd;;Array[0..2] of Timer;%T5;\ne;;Array[0..2] of S5Time;%T5;\n";
    let found = planned(tia, Protocol::S7);
    let expected = ["b %MB20:byte[4] json 1 0", "c %MW30:date[2] json 1 0"];
    assert_eq!(added(&found), expected, "{:?}", left_out(&found));
    let reasons = [
        (2, "M10.0 is a single bit and begins no array"),
        (5, "type `Timer` is none of"),
        (6, "is wider than a single timer or counter"),
    ];
    assert_left_out(&found, &reasons);
}
