// MQTT.js (https://github.com/mqttjs/MQTT.js) at a broker: publishing, subscribing, retained messages, wills, sessions.
//
//   node mqtt_client.mjs '{"url", "version": 4|5, "id", "topic", "user"?, "password"?}'
//
// `topic` is that of a device, such as `basalt/press`; its streams `temp` and `state` take numbers. Prints JSON: what was
// granted and received.

import { connect } from 'mqtt';

const told = JSON.parse(process.argv[2]);

class Peer {
  static async connect(name, { clean = true, will } = {}) {
    const peer = new Peer();
    peer.waiting = [];
    peer.messages = [];
    const options = {
      clientId: `${told.id}:${name}`,
      clean,
      protocolVersion: told.version,
      reconnectPeriod: 0,
      username: told.user,
      password: told.password,
      will,
    };
    if (told.version === 5 && !clean) options.properties = { sessionExpiryInterval: 3600 };
    peer.client = connect(told.url, options);
    // At once: what a session has kept follows CONNACK.
    peer.client.on('message', (topic, payload, packet) => peer.put(topic, payload, packet));
    await new Promise((resolve, reject) => {
      peer.client.once('connect', resolve);
      peer.client.once('error', reject);
    });
    return peer;
  }

  put(topic, payload, packet) {
    const text = payload.toString();
    const parsed = text === '' ? null : JSON.parse(text);
    const value = parsed !== null && typeof parsed === 'object' ? parsed.value : parsed;
    const message = [topic.split('/').at(-1), value, packet.qos, packet.retain];
    const taker = this.waiting.shift();
    if (taker) taker(message);
    else this.messages.push(message);
  }

  take() {
    const message = this.messages.shift();
    return message ? Promise.resolve(message) : new Promise((resolve) => this.waiting.push(resolve));
  }

  async subscribe(name, qos) {
    const granted = await this.client.subscribeAsync(`${told.topic}/${name}`, { qos });
    return granted[0].qos;
  }

  publish(name, payload, qos, retain = false) {
    return this.client.publishAsync(`${told.topic}/${name}`, payload, { qos, retain });
  }

  leave() {
    return this.client.endAsync();
  }
}

const answers = {};
const reader = await Peer.connect('reader');
const writer = await Peer.connect('writer');
answers.granted = [await reader.subscribe('temp', 2), await reader.subscribe('state', 1)];
for (const qos of [0, 1, 2]) await writer.publish('temp', String(1.5 + qos), qos);
answers.received = [await reader.take(), await reader.take(), await reader.take()].sort();

await writer.publish('state', '7', 1, true);
answers.told = await reader.take();
const late = await Peer.connect('late');
await late.subscribe('state', 1);
answers.retained = await late.take();
await late.leave();
await writer.publish('state', '', 1, true);
const later = await Peer.connect('later');
await later.subscribe('state', 1);
await writer.publish('state', '8', 1);
answers.removed = await later.take();
await later.leave();

const heir = await Peer.connect('heir');
await heir.subscribe('state', 1);
const mortal = await Peer.connect('mortal', { will: { topic: `${told.topic}/state`, payload: Buffer.from('0'), qos: 1 } });
mortal.client.on('error', () => {});
mortal.client.stream.destroy();
answers.will = await heir.take();
await heir.leave();

const first = await Peer.connect('sleeper', { clean: false });
await first.subscribe('temp', 1);
await first.leave();
for (const value of ['4.5', '5.5', '6.5']) await writer.publish('temp', value, 1);
const sleeper = await Peer.connect('sleeper', { clean: false });
answers.queued = [await sleeper.take(), await sleeper.take(), await sleeper.take()];
for (const peer of [sleeper, reader, writer]) await peer.leave();

process.stdout.write(JSON.stringify(answers));
process.exit(0);
