// node: worker threads that wait by Atomics, are terminated while they run, wait or fault; signals meanwhile; wasm traps.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

const wasm = new Uint8Array([ // (memory 1) (func (export "f") (param i32) (result i32) (i32.load (local.get 0)))
    0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 5, 1, 1, 102, 0, 0,
    10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11]);

function traps(times) { // bounds are checked by SIGSEGV
    const load = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports.f;
    let caught = 0;
    for (let i = 0; i < times; i++) {
        try { load(i % 2 ? 0 : 0x7ffffff0); } catch (error) { caught += error instanceof WebAssembly.RuntimeError; }
    }
    return caught;
}

const start = data => new Worker(__filename, { workerData: data });
const answer = worker => new Promise((resolve, reject) => { worker.once('message', resolve).once('error', reject); });
const ended = worker => new Promise(resolve => worker.once('exit', resolve));

if (!isMainThread) {
    const { job, shared } = workerData, cells = shared && new Int32Array(shared);
    if (job === 'count') {
        for (let i = 0; i < 3000; i++) Atomics.add(cells, 0, 1);
        parentPort.postMessage('counted');
    } else if (job === 'turns') { // cells[1]: whose turn it is
        for (let i = 0; i < 300; i++) {
            let turn;
            while ((turn = Atomics.load(cells, 1)) % 4 !== workerData.number) Atomics.wait(cells, 1, turn, 1000);
            Atomics.add(cells, 1, 1);
            Atomics.notify(cells, 1);
        }
        parentPort.postMessage('done');
    } else if (job === 'garbage') {
        let kept = [];
        for (let i = 0; i < 40000; i++) { kept.push({ i, text: 'x'.repeat(i % 100) }); if (kept.length > 2000) kept = []; }
        parentPort.postMessage('collected');
    } else if (job === 'traps') {
        parentPort.postMessage(traps(600));
    } else if (job === 'deep') {
        const dive = () => dive() + 1;
        let caught = 0;
        for (let i = 0; i < 20; i++) { try { dive(); } catch (error) { caught += error instanceof RangeError; } }
        parentPort.postMessage(caught);
    } else if (job === 'spin') {
        parentPort.postMessage('spins');
        for (;;) Math.sqrt(2);
    } else if (job === 'wait') {
        parentPort.postMessage('waits');
        Atomics.wait(cells, 2, 0);
    } else if (job === 'throw') {
        throw new Error('thrown in a worker');
    }
} else {
    main().catch(error => { console.log('failed:', error); process.exit(1); });
}

async function main() {
    let signals = 0;
    process.on('SIGUSR2', () => signals++).on('SIGHUP', () => signals++);
    const storm = setInterval(() => { process.kill(process.pid, 'SIGUSR2'); process.kill(process.pid, 'SIGHUP'); }, 1);
    const shared = new SharedArrayBuffer(64), cells = new Int32Array(shared);

    console.log('counts:', (await Promise.all([1, 2, 3, 4, 5, 6].map(() => answer(start({ job: 'count', shared }))))).length, cells[0]);
    await Promise.all([0, 1, 2, 3].map(number => answer(start({ job: 'turns', shared, number }))));
    console.log('turns:', cells[1]);
    console.log((await Promise.all([1, 2, 3].map(() => answer(start({ job: 'garbage' }))))).join(' '));
    console.log('wasm traps:', traps(600), (await Promise.all([1, 2, 3].map(() => answer(start({ job: 'traps' }))))).join(' '));
    console.log('deep:', (await Promise.all([1, 2].map(() => answer(start({ job: 'deep' }))))).join(' '));
    for (const job of ['spin', 'wait', 'spin', 'wait']) {
        const worker = start({ job, shared }), exit = ended(worker);
        const said = await answer(worker);
        await worker.terminate();
        console.log(said, 'until terminated:', await exit);
    }
    console.log(await answer(start({ job: 'throw' })).catch(error => error.message));
    console.log('woken:', await (async () => {
        const worker = start({ job: 'wait', shared }), exit = ended(worker);
        await answer(worker);
        Atomics.store(cells, 2, 1);
        Atomics.notify(cells, 2);
        return exit;
    })());
    clearInterval(storm);
    console.log('signals came:', signals > 10);
    process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(6); });
    process.kill(process.pid, 'SIGTERM');
    setInterval(() => {}, 1000);
}
