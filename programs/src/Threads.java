// Threads of java: a pool, locks, sockets on the loopback, files, garbage collection, null checks by SIGSEGV.
import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

public class Threads {
    static void manyThreads() throws Exception {
        AtomicInteger count = new AtomicInteger();
        for (int round = 0; round < 20; round++) {
            Thread[] threads = new Thread[50];
            for (int i = 0; i < threads.length; i++) (threads[i] = new Thread(count::incrementAndGet)).start();
            for (Thread thread : threads) thread.join();
        }
        System.out.println("threads: " + count);
    }

    static void pool() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        List<Future<Long>> sums = new ArrayList<>();
        for (int job = 0; job < 200; job++) {
            int number = job;
            sums.add(pool.submit(() -> {
                long sum = 0;
                List<byte[]> garbage = new ArrayList<>();
                for (int i = 0; i < 2000; i++) {
                    garbage.add(new byte[1024]);
                    sum += i ^ number;
                    if (garbage.size() > 100) garbage.clear();
                    if (i % 500 == 0) Thread.sleep(1);
                }
                return sum;
            }));
        }
        long total = 0;
        for (Future<Long> sum : sums) total += sum.get();
        pool.shutdown();
        System.out.println("pool: " + total + " " + pool.awaitTermination(10, TimeUnit.SECONDS));
    }

    static void echo() throws Exception {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        int clients = 6, lines = 500;
        Thread accepting = new Thread(() -> {
            try {
                for (int i = 0; i < clients; i++) {
                    Socket peer = server.accept();
                    new Thread(() -> {
                        try (peer; BufferedReader in = new BufferedReader(new InputStreamReader(peer.getInputStream()));
                             PrintWriter out = new PrintWriter(peer.getOutputStream(), true)) {
                            for (String line; (line = in.readLine()) != null; ) out.println(line);
                        } catch (IOException error) {
                            System.out.println("failed: " + error);
                        }
                    }).start();
                }
            } catch (IOException error) {
                System.out.println("failed: " + error);
            }
        });
        accepting.start();
        AtomicLong bytes = new AtomicLong();
        Thread[] threads = new Thread[clients];
        for (int i = 0; i < clients; i++) {
            int number = i;
            (threads[i] = new Thread(() -> {
                try (Socket link = new Socket(server.getInetAddress(), server.getLocalPort());
                     BufferedReader in = new BufferedReader(new InputStreamReader(link.getInputStream()));
                     PrintWriter out = new PrintWriter(link.getOutputStream(), true)) {
                    for (int line = 0; line < lines; line++) {
                        out.println(number + " " + line);
                        bytes.addAndGet(in.readLine().length());
                    }
                } catch (IOException error) {
                    System.out.println("failed: " + error);
                }
            })).start();
        }
        for (Thread thread : threads) thread.join();
        accepting.join();
        server.close();
        System.out.println("echo: " + bytes);
    }

    static void files() throws Exception {
        Path folder = Files.createTempDirectory(Path.of("."), "java");
        for (int i = 0; i < 500; i++) Files.writeString(folder.resolve("" + i), "x".repeat(i));
        long size = 0;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            for (Path entry : entries) {
                size += Files.readString(entry).length();
                Files.delete(entry);
            }
        }
        Files.delete(folder);
        System.out.println("files: " + size);
    }

    static int length(String text) { return text.length(); }

    static void nulls() {
        int caught = 0;
        for (int i = 0; i < 200000; i++) {
            try {
                length(i % 1000 == 0 ? null : "x");
            } catch (NullPointerException error) {
                caught++;
            }
        }
        System.gc();
        System.out.println("nulls: " + caught);
    }

    public static void main(String[] arguments) throws Exception {
        manyThreads();
        pool();
        echo();
        files();
        nulls();
        System.exit(5);
    }
}
