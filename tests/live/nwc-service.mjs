// A wallet behind Nostr Wallet Connect (NIP-47) that is not ours: the NWCWalletService of @getalby/sdk answers, and BOLT11
// invoices on regtest come from the package bolt11, really signed, with real preimages. The money is a book in a file.
//
//   node nwc-service.mjs --packages DIR --relay URL --state FILE --connections DIR --freeze FILE [--bare]
//
// One wallet for each of NAMES; what one pays moves to the other. The first start makes the state file, and
// writes each connection string into the connections directory as NAME.connection, 0600; that is the only place it ever
// stands. A later start goes on with the same state. Prints "ready" once it listens, then a line for each request.
//
// While the file --freeze exists, the next payment is made and written down, and from then on nothing is answered and
// nothing told any more, until it is started again: a wallet that hangs at the worst moment.
//
// --bare: answers exactly as the SDK does, without the `p` tag that NIP-47 says an answer should have.
import { createHash, randomBytes, webcrypto } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    packages: { type: "string" },
    relay: { type: "string" },
    state: { type: "string" },
    connections: { type: "string" },
    freeze: { type: "string" },
    bare: { type: "boolean", default: false },
  },
});
const load = createRequire(join(resolve(options.packages), "package.json"));
// What the SDK takes for granted: the one is there since Node 20, the other since Node 22.
globalThis.crypto ??= webcrypto;
globalThis.WebSocket ??= load("ws");
const nwc = load("@getalby/sdk/nwc");
const bolt11 = load("bolt11");

// Who has a wallet here, and with how many msats it begins.
const NAMES = { buyer: 100_000, seller: 0 };
const METHODS = ["get_info", "get_balance", "make_invoice", "pay_invoice", "lookup_invoice", "list_transactions"];
const NOTIFICATIONS = ["payment_received", "payment_sent"];
const REGTEST = { bech32: "bcrt", pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] };
const RESPONSE = 23195;
// The kind of notifications that are encrypted by NIP-44.
const NOTIFICATION = 23197;

const seconds = () => Math.floor(Date.now() / 1000);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const refuse = (code, message) => ({ result: undefined, error: { code, message } });
const say = (words) => console.log(`${new Date().toISOString()} ${words}`);
// The SDK talks about its connection on every channel; our own lines are what counts.
console.info = () => {};
console.error = (words, error = "") => say(`${words}: ${error.message ?? error}`);

// Whole or not at all, also when the process is killed in the middle.
function writeWhole(path, text) {
  const file = openSync(`${path}.new`, "w", 0o600);
  writeFileSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
}

const publicKey = (secret) => new nwc.NWCWalletServiceKeyPair(secret, "nobody").walletPubkey;

// invoices and payments: by payment hash. asked: how often the payment of each was asked for. seen: the requests that were
// taken up, as a relay may bring them again after a restart.
const book = existsSync(options.state) ? JSON.parse(readFileSync(options.state, "utf8")) : found();
const save = () => writeWhole(options.state, JSON.stringify(book, null, 1));

function found() {
  const made = { node: randomBytes(32).toString("hex"), wallets: {}, invoices: {}, payments: {}, asked: {}, seen: [] };
  for (const [name, balance] of Object.entries(NAMES)) {
    const [wallet, client] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")];
    const relay = encodeURIComponent(options.relay);
    const connection = `nostr+walletconnect://${publicKey(wallet)}?relay=${relay}&secret=${client}\n`;
    writeWhole(join(options.connections, `${name}.connection`), connection);
    made.wallets[name] = { secret: wallet, client: publicKey(client), balance };
  }
  return made;
}

let frozen = false;
const never = new Promise(() => {});

// One wallet's end of its connection.
class Service extends nwc.NWCWalletService {
  constructor(name) {
    super({ relayUrl: options.relay });
    this.name = name;
    this.keys = new nwc.NWCWalletServiceKeyPair(book.wallets[name].secret, book.wallets[name].client);
  }

  // The only place where the SDK shows a request before it acts on it. A request is taken up once.
  async decrypt(keys, content, cipher) {
    const id = sha256(content);
    if (book.seen.includes(id)) {
      throw new Error("this request was taken up before");
    }
    book.seen.push(id);
    save();
    const text = await super.decrypt(keys, content, cipher);
    say(`${this.name} asks ${JSON.parse(text).method}, ${cipher}`);
    return text;
  }

  signEvent(event, secret) {
    if (event.kind === RESPONSE && !options.bare) {
      event.tags.push(["p", this.keys.clientPubkey]);
    }
    return super.signEvent(event, secret);
  }

  // The SDK's service has no notifications.
  async tell(type, transaction) {
    const text = JSON.stringify({ notification_type: type, notification: transaction });
    const content = await this.encrypt(this.keys, text, "nip44_v2");
    const event = { kind: NOTIFICATION, created_at: seconds(), tags: [["p", this.keys.clientPubkey]], content };
    await this.relay.publish(await this.signEvent(event, this.keys.walletSecret));
  }

  async open() {
    await this.publishWalletServiceInfoEvent(this.keys.walletSecret, METHODS, NOTIFICATIONS);
    const methods = { getInfo, getBalance, makeInvoice, payInvoice, lookupInvoice, listTransactions };
    const handler = {};
    for (const [method, act] of Object.entries(methods)) {
      handler[method] = (request) => (frozen ? never : act(this.name, request));
    }
    await this.subscribe(this.keys, handler);
  }
}

async function getInfo(name) {
  const pubkey = book.wallets[name].client;
  const result = { alias: `live test ${name}`, color: "", pubkey, network: "regtest", block_height: 1, block_hash: "" };
  return { result: { ...result, methods: METHODS, notifications: NOTIFICATIONS }, error: undefined };
}

async function getBalance(name) {
  return { result: { balance: book.wallets[name].balance }, error: undefined };
}

async function makeInvoice(name, { amount, description = "", expiry = 3600 }) {
  if (!Number.isSafeInteger(amount) || amount <= 0) {
    return refuse("OTHER", "the amount has to be a whole number of msats above 0");
  }
  const preimage = randomBytes(32);
  const hash = sha256(preimage);
  const created = seconds();
  const unsigned = bolt11.encode({
    network: REGTEST,
    timestamp: created,
    millisatoshis: String(amount),
    tags: [
      { tagName: "payment_hash", data: hash },
      { tagName: "payment_secret", data: randomBytes(32).toString("hex") },
      { tagName: "description", data: description },
      { tagName: "expire_time", data: expiry },
      { tagName: "min_final_cltv_expiry", data: 18 },
    ],
  });
  const invoice = bolt11.sign(unsigned, book.node).paymentRequest;
  const times = { created_at: created, expires_at: created + expiry };
  book.invoices[hash] = { owner: name, invoice, preimage: preimage.toString("hex"), amount, description, ...times };
  save();
  return { result: incoming(hash), error: undefined };
}

async function payInvoice(name, { invoice }) {
  let hash;
  try {
    hash = bolt11.decode(invoice).tagsObject.payment_hash;
  } catch (error) {
    return refuse("OTHER", `it is no invoice: ${error.message}`);
  }
  book.asked[hash] = (book.asked[hash] ?? 0) + 1;
  const [made, payer] = [book.invoices[hash], book.wallets[name]];
  if (made === undefined || made.invoice !== invoice || made.owner === name || made.expires_at < seconds()) {
    save();
    return refuse("PAYMENT_FAILED", "there is no way to its payee");
  }
  if (book.payments[hash] !== undefined) {
    save();
    return refuse("OTHER", "this invoice is paid already");
  }
  if (payer.balance < made.amount) {
    save();
    return refuse("INSUFFICIENT_BALANCE", `it costs ${made.amount} msats and there are ${payer.balance}`);
  }
  // All of it in one write: never half a payment.
  payer.balance -= made.amount;
  book.wallets[made.owner].balance += made.amount;
  book.payments[hash] = { payer: name, at: seconds() };
  save();
  say(`${name} has paid ${made.amount} msats to ${made.owner}`);
  if (existsSync(options.freeze)) {
    frozen = true;
    say("frozen");
    return never;
  }
  // Best effort, as everywhere: whoever misses it has to ask.
  Promise.all([services[made.owner].tell("payment_received", incoming(hash)), services[name].tell("payment_sent", outgoing(hash))]).catch(
    (error) => say(`a notification was not sent: ${error}`),
  );
  return { result: { preimage: made.preimage, fees_paid: 0 }, error: undefined };
}

async function lookupInvoice(name, { payment_hash, invoice }) {
  const hash = payment_hash ?? Object.keys(book.invoices).find((hash) => book.invoices[hash].invoice === invoice);
  const transaction = transactionsOf(name).find((transaction) => transaction.payment_hash === hash);
  return transaction ? { result: transaction, error: undefined } : refuse("NOT_FOUND", "there is no such invoice");
}

async function listTransactions(name, { from = 0, until = Number.MAX_SAFE_INTEGER, limit = 20, offset = 0, unpaid = false, type }) {
  const wanted = (it) =>
    it.created_at >= from && it.created_at <= until && (unpaid || it.settled_at) && (type === undefined || it.type === type);
  const all = transactionsOf(name).filter(wanted).sort((one, other) => other.created_at - one.created_at);
  return { result: { transactions: all.slice(offset, offset + limit), total_count: all.length }, error: undefined };
}

function transactionsOf(name) {
  const made = Object.keys(book.invoices).filter((hash) => book.invoices[hash].owner === name).map(incoming);
  return made.concat(Object.keys(book.payments).filter((hash) => book.payments[hash].payer === name).map(outgoing));
}

// An invoice as its owner sees it: the preimage only once it is paid.
function incoming(hash) {
  const { invoice, preimage, amount, description, created_at, expires_at } = book.invoices[hash];
  const paid = book.payments[hash];
  const state = paid ? { state: "settled", settled_at: paid.at, preimage } : { state: "pending" };
  return { type: "incoming", invoice, description, payment_hash: hash, amount, fees_paid: 0, created_at, expires_at, ...state };
}

// The same as its payer sees it.
function outgoing(hash) {
  const { at } = book.payments[hash];
  return { ...incoming(hash), type: "outgoing", created_at: at };
}

const services = {};
for (const name of Object.keys(NAMES)) {
  services[name] = new Service(name);
}
save();
for (const service of Object.values(services)) {
  await service.open();
}
console.log("ready");
