//! Operations on devices.

use utoipa::openapi::path::HttpMethod;

use super::{bad_request, with_body_errors, with_token};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, ValueSchema};
use crate::api::openapi::vendor::VendorOperation;

const ONE: &str = "/device/v1/devices/{deviceId}";
const DEVICE_ID: (&str, &str) = ("deviceId", "Id of the device.");
const PARENT_ID: (&str, &str) = ("parentDeviceId", "Id of the gateway.");

const CERTIFICATE: &str = "Every call makes a new key and certificate; the ones before are not accepted any more. The \
                           device must be a gateway. In a live project the response is an archive with the \
                           certificate, the key, the authority, settings and a script that installs them; in a \
                           sandbox it is the device with its credentials.";

/// Returns the operations.
pub fn operations() -> Vec<VendorOperation> {
    let mut operations = vec![list(), create(), one(), patch(), delete(), data()];
    operations.extend(sub_devices());
    operations.extend(certificates());
    operations
}

/// The empty object that changes are answered with.
fn empty() -> ValueSchema {
    schema::reference("Empty")
}

fn list() -> VendorOperation {
    let doc = Doc::new("devices", "List the devices of the project")
        .about("The oldest comes first. Devices below a gateway are named there by their ids.")
        .answers(200, "Every device that the caller sees.", schema::list(schema::reference("Device")));
    with_token(HttpMethod::Get, "/device/v1/devices", &[], doc)
}

fn create() -> VendorOperation {
    let doc = Doc::new("create_device", "Create a device")
        .about("A device is virtual, has HTTP if its type says so, or else reports by itself.")
        .body(schema::reference("NewDevice"))
        .about_body("Settings of the new device.")
        .answers(201, "The device that was created.", schema::reference("DeviceDetail"))
        .answers(403, "The organization has as many devices as it may have.", schema::reference("Message"));
    with_token(HttpMethod::Post, "/device/v1/devices", &[], with_body_errors(doc))
}

fn one() -> VendorOperation {
    let doc = Doc::new("device", "Get a device")
        .about("Devices below a gateway are shown as in the list.")
        .answers(200, "The device with its settings.", schema::reference("DeviceDetail"));
    with_token(HttpMethod::Get, ONE, &[DEVICE_ID], doc)
}

fn patch() -> VendorOperation {
    let doc = Doc::new("patch_device", "Change a device")
        .about("Fields that are absent stay as they are. `demoActive` is for virtual devices.")
        .body_if_any(schema::reference("DevicePatch"))
        .about_body("The fields to change.")
        .answers(200, "The device is changed.", empty());
    with_token(HttpMethod::Patch, ONE, &[DEVICE_ID], with_body_errors(doc))
}

fn delete() -> VendorOperation {
    let doc = Doc::new("delete_device", "Delete a device")
        .about("The devices below a gateway are deleted with it.")
        .answers(200, "The device is deleted.", empty());
    with_token(HttpMethod::Delete, ONE, &[DEVICE_ID], doc)
}

fn data() -> VendorOperation {
    let millis = || schema::integer(i64::MIN, i64::MAX);
    let doc = Doc::new("data", "List the messages of a device")
        .about("The newest comes first. An empty parameter is absent, and of a repeated one the last counts.")
        .query("start", millis(), "Earliest time of a value in milliseconds since 1970, inclusive.")
        .query("end", millis(), "Latest time of a value in milliseconds since 1970, inclusive.")
        .query("page", schema::integer(1, i64::MAX), "Number of the page; 1 is the first and default.")
        .query("perPage", schema::integer(1, i64::MAX), "Messages on a page: 10 by default, and at most 100.")
        .answers(200, "A page of messages; one past the end is empty.", schema::reference("MessagePage"))
        .answers(400, "A parameter is not valid; every mistake is listed.", bad_request())
        .answers(504, "The list took too long.", schema::reference("Message"));
    with_token(HttpMethod::Get, "/device/v1/devices/{deviceId}/data", &[DEVICE_ID], doc)
}

fn sub_devices() -> [VendorOperation; 2] {
    let delete = |id, path, summary| {
        let doc = Doc::new(id, summary).about("The device must be below this gateway.").answers(
            200,
            "The device is deleted.",
            empty(),
        );
        with_token(HttpMethod::Delete, path, &[PARENT_ID, DEVICE_ID], doc)
    };
    [
        delete(
            "delete_sub_device",
            "/devices/{parentDeviceId}/subDevice/subDevices/{deviceId}",
            "Delete a device below a gateway",
        ),
        delete(
            "delete_sub_device_v1",
            "/device/v1/devices/{parentDeviceId}/subDevice/subDevices/{deviceId}",
            "Delete a device below a gateway, by the longer path",
        ),
    ]
}

fn certificates() -> [VendorOperation; 4] {
    let issue = |method, id, path, summary| {
        let doc = Doc::new(id, summary)
            .about(CERTIFICATE)
            .answers(200, "The device with its credentials, or the archive.", schema::reference("Credential"))
            .or_as("application/zip", schema::file())
            .with_header("Content-Disposition", schema::string(), "Name of the archive as a file.")
            .answers(400, "The device is no gateway.", schema::reference("Message"));
        with_token(method, path, &[DEVICE_ID], doc)
    };
    let short = "/devices/{deviceId}/credentials/certificate";
    let long = "/device/v1/devices/{deviceId}/credentials/certificate";
    [
        issue(HttpMethod::Post, "certificate", short, "Issue a certificate"),
        issue(
            HttpMethod::Get,
            "certificate_by_get",
            short,
            "Issue a certificate, as in the vendor's example",
        ),
        issue(HttpMethod::Post, "certificate_v1", long, "Issue a certificate, by the longer path"),
        issue(
            HttpMethod::Get,
            "certificate_v1_by_get",
            long,
            "Issue a certificate by GET and the longer path",
        ),
    ]
}
