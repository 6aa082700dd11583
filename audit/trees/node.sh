# needs: node
# timeout: 90
# Child processes of node: spawn, exec, fork, and workers.
cat >tree.js <<'X'
const { execFileSync, execSync, fork, spawn } = require("child_process");
const { Worker, isMainThread } = require("worker_threads");
const fs = require("fs");
if (process.argv[2] === "child") {
    process.send({ sum: [...Array(100).keys()].reduce((a, b) => a + b) });
    process.disconnect();
} else if (isMainThread) {
    console.log(execSync("echo a | tr a b; echo $0").toString());
    console.log(execFileSync(process.execPath, ["-e", "console.log(1 + 1)"]).toString());
    for (let i = 0; i < 300; i++) { fs.writeFileSync("file", "x".repeat(i)); fs.readFileSync("file"); }
    const child = fork(__filename, ["child"]);
    child.on("message", m => console.log(m.sum));
    child.on("exit", code => {
        console.log("exit", code);
        const cat = spawn("cat");
        cat.stdout.on("data", d => console.log(d.toString()));
        cat.on("close", (code, signal) => {
            console.log(code, signal);
            new Worker(__filename).on("exit", code => { console.log("worker", code); process.exit(5); });
        });
        cat.stdin.end("through cat");
    });
} else {
    fs.statSync("/");
}
X
status=0
node tree.js || status=$?
echo "status $status"
