// An OPC UA server that is not our code: node-opcua, with a value of every type, changed by what it is told.
//
//   node opcua_server.mjs --port 4840 --folder DIR [--path /plant]
//
// It does as tests/peers/opcua_server.py does, and takes the same orders on standard input.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createInterface } from "node:readline";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { OPCUAServer } from "node-opcua-server";

const { values: args } = parseArgs({
  options: { port: { type: "string" }, folder: { type: "string" }, path: { type: "string", default: "/plant" } },
});
// What the library says of itself is no answer.
console.info = console.warn = console.debug = () => {};
const say = (line) => process.stdout.write(`${line}\n`);
console.log = () => {};

// A 64-bit integer as node-opcua has it: its high word, then its low.
const wide = (number) => {
  const bits = BigInt.asUintN(64, BigInt(number));
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
};

// Name, type here, type there, the value as JSON.
const VALUES = [
  ["Bit", "bit", "Boolean", "true"],
  ["Byte", "byte", "Byte", "255"],
  ["SByte", "int16", "SByte", "-128"],
  ["Int16", "int16", "Int16", "-2"],
  ["UInt16", "uint16", "UInt16", "4660"],
  ["Int32", "int32", "Int32", "-123456789"],
  ["UInt32", "uint32", "UInt32", "305419896"],
  ["Int64", "int64", "Int64", "-1234567890123456789"],
  ["UInt64", "uint64", "UInt64", "18446744073709551615"],
  ["Half", "fp16", "Float", "1.5"],
  ["Float", "fp32", "Float", "123.45600128173828"],
  ["Double", "fp64", "Double", "-1234.5678"],
  ["Text", "text", "String", '"Läuft; a=b"'],
];
const WIDE = ["Int64", "UInt64"];

// JSON.parse would round 64-bit integers, so they are cut out of the text.
const parse = (type, json) => (WIDE.includes(type) ? wide(json) : JSON.parse(json));

async function manager(name) {
  const made = new OPCUACertificateManager({
    rootFolder: `${args.folder}/${name}`,
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
  });
  await made.initialize();
  return made;
}

function fill(server) {
  const space = server.engine.addressSpace;
  const namespace = space.registerNamespace("urn:basalt:plant");
  const line = namespace.addObject({ organizedBy: space.rootFolder.objects, browseName: "Line", nodeId: "s=Line" });
  const nodes = new Map();
  const points = [];
  const add = (name, nodeId, kind, dataType, json, accessLevel) => {
    const value = { dataType, arrayType: "Scalar", value: parse(dataType, json) };
    const node = namespace.addVariable({ componentOf: line, browseName: name, nodeId, dataType, accessLevel });
    node.setValueFromSource(value);
    const path = `ns=${namespace.index};${nodeId}`;
    nodes.set(path, { node, dataType });
    const writable = accessLevel.includes("Write");
    points.push(`{"path": "${path}", "type": "${kind}", "value": ${json}, "writable": ${writable}}`);
  };
  for (const [name, kind, dataType, json] of VALUES) {
    add(name, `s=Line.${name}`, kind, dataType, json, "CurrentRead | CurrentWrite");
  }
  add("Sealed", "i=7", "int32", "Int32", "42", "CurrentRead");
  return { nodes, points };
}

async function obey(server, managers, nodes, line) {
  const told = JSON.parse(line);
  if (told.count) {
    const sessions = server.engine.getSessions?.() ?? Object.values(server.engine._sessions);
    const subscriptions = sessions.flatMap((session) => session.publishEngine.subscriptions);
    const items = subscriptions.reduce((sum, one) => sum + one.monitoredItemCount, 0);
    return { sessions: server.engine.currentSessionCount, subscriptions: subscriptions.length, items };
  }
  if ("trust_clients" in told) {
    managers.clients.automaticallyAcceptUnknownCertificate = told.trust_clients;
    return {};
  }
  if (told.user) {
    await managers.users.trustCertificate(readFileSync(told.user));
    return {};
  }
  const { node, dataType } = nodes.get(told.node);
  const json = /"value":\s*("(?:[^"\\]|\\.)*"|[^,}\s]+)/.exec(line)[1];
  node.setValueFromSource({ dataType, arrayType: "Scalar", value: parse(dataType, json) });
  return {};
}

const managers = { clients: await manager("clients"), users: await manager("users") };
const server = new OPCUAServer({
  port: Number(args.port),
  host: "127.0.0.1",
  resourcePath: args.path,
  hostname: "127.0.0.1",
  serverInfo: { applicationUri: "urn:basalt:node", applicationName: { text: "Plant peer" } },
  certificateFile: `${args.folder}/clients/own/certs/certificate.pem`,
  serverCertificateManager: managers.clients,
  userCertificateManager: managers.users,
  allowAnonymous: true,
  securityModes: [1, 2, 3],
  securityPolicies: ["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"].map(
    (name) => `http://opcfoundation.org/UA/SecurityPolicy#${name}`,
  ),
  userManager: { isValidUser: (user, password) => user === "operator" && password === "secret" },
});
await server.initialize();
const { nodes, points } = fill(server);
await server.start();
say("ready");
say(`[${points.join(", ")}]`);
for await (const line of createInterface({ input: process.stdin })) {
  say(JSON.stringify(await obey(server, managers, nodes, line)));
}
process.exit(0);
