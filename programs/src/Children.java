// Child processes of java: ProcessBuilder (posix_spawn and vfork), pipelines, environments, signals, a child of java itself.
import java.io.*;
import java.util.*;
import java.util.concurrent.*;

public class Children {
    static String run(String... words) throws Exception {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String text = new String(process.getInputStream().readAllBytes());
        return text.trim() + " / " + process.waitFor();
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) {
            System.out.println("child " + List.of(arguments));
            System.exit(3);
        }
        System.out.println(run("sh", "-c", "echo out; echo err >&2; exit 4"));
        System.out.println(run("sh", "-c", "kill -KILL $$"));
        System.out.println(run("cat", "/proc/self/comm"));
        System.out.println(run(ProcessHandle.current().info().command().get(), "-Xshare:auto", "-cp",
                System.getProperty("java.class.path"), "Children", "one two"));
        try {
            run("/nonexistent");
        } catch (IOException error) {
            System.out.println(error.getMessage());
        }
        ProcessBuilder builder = new ProcessBuilder("/usr/bin/env").directory(new File("/"));
        builder.environment().clear();
        builder.environment().put("ONLY", "one");
        System.out.println(new String(builder.start().getInputStream().readAllBytes()).contains("ONLY=one"));
        List<Process> pipeline = ProcessBuilder.startPipeline(List.of(new ProcessBuilder("seq", "1000"),
                new ProcessBuilder("sort", "-rn"), new ProcessBuilder("head", "-n", "2")));
        System.out.println(new String(pipeline.get(2).getInputStream().readAllBytes()).trim());
        Process sleeper = new ProcessBuilder("sleep", "30").start();
        sleeper.destroy();
        System.out.println("destroyed " + sleeper.waitFor());
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Future<String>> many = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            String number = "" + i;
            many.add(pool.submit(() -> run("echo", number)));
        }
        int good = 0;
        for (int i = 0; i < 40; i++) if (many.get(i).get().equals(i + " / 0")) good++;
        pool.shutdown();
        System.out.println("many " + good);
    }
}
