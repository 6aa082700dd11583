// Child processes of node: exec, execFile, spawn, spawnSync, fork, cluster, pipes, signals, detached ones.
const { exec, execFile, execSync, execFileSync, spawn, spawnSync, fork } = require('child_process');
const cluster = require('cluster'), http = require('http'), { promisify } = require('util'), { once } = require('events');
const fs = require('fs');

async function text(stream) {
    let all = '';
    for await (const part of stream) all += part;
    return all;
}

async function short() {
    console.log('exec', (await promisify(exec)('echo $((6 * 7)); seq 5 | paste -sd+')).stdout);
    await promisify(exec)('echo out; echo err >&2; exit 3').catch(e => console.log('exec', e.code, e.stdout, e.stderr));
    console.log('execFile', (await promisify(execFile)(process.execPath, ['-p', 'process.argv0.length > 0 && 6 * 7'])).stdout);
    await promisify(execFile)('/nonexistent').catch(e => console.log('execFile', e.code));
    await promisify(execFile)('/etc/passwd').catch(e => console.log('execFile', e.code));
    await promisify(execFile)('sleep', ['30'], { timeout: 100 }).catch(e => console.log('timeout', e.killed, e.signal));
    console.log('execSync', execSync('cat; exit 0', { input: 'input' }).toString());
    console.log('execFileSync', execFileSync('tr', ['a-z', 'A-Z'], { input: 'capitals', env: { PATH: process.env.PATH } }).toString());
    const result = spawnSync('sh', ['-c', 'echo "$ONLY"; kill -SEGV $$'], { env: { ONLY: 'one', PATH: process.env.PATH } });
    console.log('spawnSync', result.status, result.signal, result.stdout.toString());
    console.log('argv0', spawnSync('sh', ['-c', 'echo $0'], { argv0: 'renamed', shell: false }).stdout.toString());
    const many = await Promise.all(Array.from({ length: 40 }, (_, n) => promisify(execFile)('expr', [`${n}`, '+', '1'])));
    console.log('many', many.reduce((sum, one) => sum + Number(one.stdout), 0));
}

async function long() {
    const first = spawn('seq', ['2000']), second = spawn('sort', ['-rn']);
    first.stdout.pipe(second.stdin);
    console.log('pipeline', (await text(second.stdout)).length);
    const shell = spawn('read line; echo "got $line"; exit 5', { shell: true, stdio: ['pipe', 'pipe', 'inherit', 'pipe'] });
    shell.stdin.end('a line\n');
    const [said, [code]] = await Promise.all([text(shell.stdout), once(shell, 'exit')]);
    console.log('shell', said, code);
    const detached = spawn('sleep', ['30'], { detached: true, stdio: 'ignore' });
    process.kill(-detached.pid, 'SIGKILL');
    console.log('detached', await once(detached, 'exit'));
    const stopped = spawn('sh', ['-c', 'trap "echo caught; exit 4" TERM; echo ready; while :; do sleep 0.01; done']);
    await once(stopped.stdout, 'data');
    stopped.kill();
    console.log('trapped', await Promise.all([text(stopped.stdout), once(stopped, 'exit')]));
}

async function forked() {
    const child = fork(__filename, ['child'], { execArgv: ['--no-warnings'] });
    child.send({ numbers: [1, 2, 3] });
    console.log('fork', (await once(child, 'message'))[0]);
    child.send('leave');
    console.log('fork', await once(child, 'exit'));
}

async function clustered() {
    const exits = [];
    cluster.setupPrimary({ args: ['worker'] });
    cluster.on('exit', (worker, code) => exits.push(code));
    const workers = [cluster.fork(), cluster.fork()];
    const [address] = await Promise.all(workers.map(async worker => (await once(worker, 'listening'))[0]));
    const get = () => new Promise((resolve, reject) => http.get({ port: address.port, host: '127.0.0.1', agent: false },
        async response => resolve(await text(response))).on('error', reject));
    const answers = await Promise.all(Array.from({ length: 60 }, get));
    console.log('cluster', answers.filter(answer => answer === 'served').length);
    await Promise.all(workers.map(worker => { worker.process.kill('SIGTERM'); return once(worker, 'exit'); }));
    console.log('cluster exits', exits);
}

async function main() {
    await short();
    await long();
    await forked();
    await clustered();
    fs.writeFileSync('tool.js', '#!/usr/bin/env node\nconsole.log("a tool", process.argv.slice(2)); process.exitCode = 6;\n', { mode: 0o755 });
    console.log('tool', spawnSync('./tool.js', ['one', 'two words']).stdout.toString());
}

if (process.argv[2] === 'child') {
    process.on('message', message => {
        if (message === 'leave') process.exit(7);
        process.send({ sum: message.numbers.reduce((a, b) => a + b), argv: process.argv.slice(2), execArgv: process.execArgv });
    });
} else if (cluster.isWorker) {
    process.on('SIGTERM', () => process.exit(0));
    http.createServer((request, response) => response.end('served')).listen(0, '127.0.0.1');
} else {
    main().catch(error => { console.log('failed:', error); process.exit(1); });
}
