// node: an HTTP server and its client in one process, fs, worker_threads, timers, zlib and crypto on the pool.
const http = require('http'), fs = require('fs'), path = require('path'), zlib = require('zlib');
const crypto = require('crypto'), { promisify } = require('util');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

if (!isMainThread) {
    let sum = 0;
    for (let i = 0; i < workerData; i++) sum = (sum + i * i) % 1000003;
    fs.writeFileSync(`worker-${workerData}`, String(sum));
    parentPort.postMessage(Number(fs.readFileSync(`worker-${workerData}`, 'utf8')));
    fs.unlinkSync(`worker-${workerData}`);
} else {
    main().catch(error => { console.log('failed:', error); process.exit(1); });
}

const worker = count => new Promise((resolve, reject) => {
    new Worker(__filename, { workerData: count }).on('message', resolve).on('error', reject);
});

function get(agent, port, url) {
    return new Promise((resolve, reject) => {
        http.get({ port, host: '127.0.0.1', path: url, agent }, response => {
            let text = '';
            response.on('data', part => { text += part; }).on('end', () => resolve(text));
        }).on('error', reject);
    });
}

async function overHttp() {
    const server = http.createServer((request, response) => response.end(`${request.url} ${'x'.repeat(200)}`));
    await new Promise(ready => server.listen(0, '127.0.0.1', ready));
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    let bytes = 0;
    await Promise.all([...Array(8).keys()].map(async client => {
        for (let i = 0; i < 400; i++) bytes += (await get(agent, server.address().port, `/${client}/${i}`)).length;
    }));
    agent.destroy();
    await new Promise(closed => server.close(closed));
    console.log('http bytes:', bytes);
}

async function files() {
    const folder = fs.mkdtempSync(path.join('.', 'node-'));
    await Promise.all([...Array(500).keys()].map(i => fs.promises.writeFile(path.join(folder, `${i}`), `${i}`.repeat(100))));
    const names = await fs.promises.readdir(folder);
    const texts = await Promise.all(names.sort().map(name => fs.promises.readFile(path.join(folder, name))));
    console.log('files:', names.length, crypto.createHash('sha256').update(Buffer.concat(texts)).digest('hex').slice(0, 16));
    fs.rmSync(folder, { recursive: true });
}

async function pool() {
    const packed = await Promise.all([...Array(40).keys()].map(i => promisify(zlib.gzip)(Buffer.alloc(50000, i))));
    const unpacked = await Promise.all(packed.map(part => promisify(zlib.gunzip)(part)));
    const keys = await Promise.all([1, 2, 3, 4].map(i => promisify(crypto.pbkdf2)(`${i}`, 'salt', 2000, 32, 'sha256')));
    console.log('pool:', unpacked.reduce((sum, part) => sum + part.length, 0), Buffer.concat(keys).toString('hex').slice(0, 16));
}

async function main() {
    await overHttp();
    await files();
    console.log('workers:', (await Promise.all([1000, 20000, 300000, 4000000].map(worker))).join(' '));
    await pool();
    let ticks = 0;
    await new Promise(done => { const timer = setInterval(() => { if (++ticks === 50) { clearInterval(timer); done(); } }, 2); });
    process.on('SIGUSR2', () => { console.log('signal: SIGUSR2'); process.exit(3); });
    process.kill(process.pid, 'SIGUSR2');
    setInterval(() => {}, 1000);
}
