//! Arguments of the commands about devices: `read`, `browse`, `opcua` and `simulate`.

use clap::{Args, Subcommand};

use super::target::DataDirArgs;
use crate::cli::fault;
use crate::sim::fault::PlantFault;

#[derive(Args)]
pub struct Read {
    /// Such as modbus://127.0.0.1:5020/hr:100?type=fp32&unit=1, melsec://127.0.0.1:5007/D100?type=int16&frame=3E,
    /// fenet://127.0.0.1:2004/%25DW100?type=uint16, s7://127.0.0.1:102/DB1.DBD0?type=fp32&rack=0&slot=1, eip://127.0.0.1:44818/Program:Main.speed?slot=0 or
    /// opc.tcp://127.0.0.1:4840/?node=ns%3D2%3Bs%3DTemp
    pub address: String,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    pub timeout: f64,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Args)]
pub struct Browse {
    /// Such as opc.tcp://127.0.0.1:4840/, opc.tcp://127.0.0.1:4840/?node=ns%3D2%3Bi%3D1, eip://127.0.0.1:44818/?slot=0,
    /// mqtt://127.0.0.1:1883/line/# or mqtt://127.0.0.1:1883/GROUP?format=sparkplug
    pub address: String,
    /// Number of levels to list below the node (OPC UA, EtherNet/IP)
    #[arg(long, default_value_t = 5, value_name = "LEVELS", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub depth: u8,
    /// Seconds to listen for messages of a broker (MQTT), at most 3600
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    pub listen: f64,
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    pub timeout: f64,
    #[command(flatten)]
    pub place: DataDirArgs,
}

#[derive(Subcommand)]
pub enum OpcuaSubcommand {
    /// List the client certificate of this installation and the servers' certificates
    Certificates {
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Trust the rejected certificate of a server
    Trust {
        /// Thumbprint as shown in the device's `last_error` and by `certificates`
        thumbprint: String,
        #[command(flatten)]
        place: DataDirArgs,
    },
    /// Stop trusting a certificate, from the next connection on
    Reject {
        thumbprint: String,
        #[command(flatten)]
        place: DataDirArgs,
    },
}

#[derive(Args)]
pub struct Simulate {
    /// Protocol: modbus, melsec, fenet, s7, eip, opcua or mqtt
    pub protocol: String,
    /// Listen address [default: 127.0.0.1 and the protocol's own port]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    #[command(flatten)]
    pub plant: SimulatedPlantArgs,
    /// Simulate a device with N changing holding registers instead of the plant (modbus only)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "faults")]
    pub registers: Option<u16>,
}

/// Options of the simulated plant.
#[derive(Args)]
pub struct SimulatedPlantArgs {
    /// Fault to simulate, such as drift:motor.temperature@60s+30s or disconnect@5m+20s/10m; repeatable
    #[arg(long = "fault", value_name = "FAULT", value_parser = fault::parse)]
    pub faults: Vec<PlantFault>,
}
