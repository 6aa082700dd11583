// An HTTP server for bench/works.py and bench/soak: prints its port; SIGTERM ends it. What is asked for decides what it does
// besides: /file/N writes and reads a file, /thread/N has a thread compute.
const fs = require('fs'), http = require('http'), { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

const text = 'x'.repeat(1000);

function answer(request, response) {
    const [, kind, number] = request.url.split('/');
    if (kind === 'file') {
        const name = `file-${number}`;
        fs.writeFileSync(name, request.url.repeat(100));
        response.end(fs.readFileSync(name));
        fs.unlinkSync(name);
    } else if (kind === 'thread') {
        new Worker(__filename, { workerData: Number(number) }).on('message', sum => response.end(`${sum}\n`));
    } else {
        response.end(`${request.url}\n${text}`);
    }
}

if (isMainThread) {
    const server = http.createServer(answer).listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.on('SIGTERM', () => process.exit(0));
} else {
    let sum = 0;
    for (let i = 0; i < 1000; i++) sum = (sum + i * workerData) % 1000003;
    parentPort.postMessage(sum);
}
