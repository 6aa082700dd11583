// What java does by signals: safepoints of threads that allocate, implicit null checks and stack overflows by SIGSEGV,
// deoptimisation, stack walks of running threads, interrupts of sleeps and parks, a signal handler of its own.
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.concurrent.locks.LockSupport;

public class Faults {
    static volatile boolean stop;

    static void parallel(int count, Runnable job) throws Exception {
        Thread[] threads = new Thread[count];
        for (int i = 0; i < count; i++) (threads[i] = new Thread(job)).start();
        for (Thread thread : threads) thread.join();
    }

    // Loops without calls are stopped by polls of a protected page.
    static void safepoints() throws Exception {
        AtomicLong spun = new AtomicLong(), made = new AtomicLong();
        Thread[] spinners = new Thread[3];
        for (int i = 0; i < spinners.length; i++) {
            (spinners[i] = new Thread(() -> {
                long sum = 0;
                while (!stop) for (int n = 0; n < 100_000; n++) sum += n ^ sum;
                spun.addAndGet(sum | 1);
            })).start();
        }
        parallel(3, () -> {
            List<Object> kept = new ArrayList<>();
            for (int i = 0; i < 60_000; i++) {
                kept.add(new byte[200 + i % 1000]);
                if (kept.size() == 500) kept.clear();
                made.incrementAndGet();
            }
        });
        int walked = 0;
        for (int i = 0; i < 100; i++) {
            for (Thread spinner : spinners) walked += spinner.getStackTrace().length > 0 ? 1 : 0;
            if (i % 20 == 0) System.gc();
        }
        stop = true;
        for (Thread spinner : spinners) spinner.join();
        System.out.println("allocated " + made + ", walked " + (walked > 250) + ", spun " + (spun.get() != 0));
    }

    static class Node { Node next; int value; long[] big = new long[1]; }

    static int read(Node node) { return node.next.value; }

    // Null checks are left to the processor once no null was seen; then nulls come, in all threads at once.
    static void nulls() throws Exception {
        AtomicInteger caught = new AtomicInteger(), divided = new AtomicInteger(), bounds = new AtomicInteger();
        parallel(4, () -> {
            Node whole = new Node(), cut = new Node();
            whole.next = new Node();
            long sum = 0;
            for (int i = 0; i < 60_000; i++) {
                try {
                    sum += read(i > 20_000 && i % 50 == 0 ? cut : i > 20_000 && i % 77 == 0 ? null : whole);
                } catch (NullPointerException error) {
                    caught.incrementAndGet();
                }
                try {
                    sum += i / (i % 100 == 99 ? 0 : 1);
                } catch (ArithmeticException error) {
                    divided.incrementAndGet();
                }
                try {
                    sum += whole.big[i % 500 == 0 ? 1 : 0];
                } catch (ArrayIndexOutOfBoundsException error) {
                    bounds.incrementAndGet();
                }
            }
        });
        System.out.println("nulls " + caught + ", divisions " + divided + ", bounds " + bounds);
    }

    static int dive(int depth) { return dive(depth + 1) + 1; }

    static void overflows() throws Exception {
        AtomicInteger caught = new AtomicInteger();
        parallel(3, () -> {
            for (int i = 0; i < 8; i++) {
                try {
                    dive(0);
                } catch (StackOverflowError error) {
                    caught.incrementAndGet();
                }
            }
        });
        System.out.println("stack overflows: " + caught);
    }

    interface Shape { double area(); }
    static class Square implements Shape { public double area() { return 4; } }
    static class Disc implements Shape { public double area() { return 3; } }
    static class Line implements Shape { public double area() { return 0; } }

    static double total(Shape[] shapes) {
        double sum = 0;
        for (Shape shape : shapes) sum += shape.area();
        return sum;
    }

    // Compiled for one class; then others come, and the compiled code is thrown away under the threads that run it.
    static void deoptimisation() throws Exception {
        AtomicLong sum = new AtomicLong();
        CountDownLatch warm = new CountDownLatch(3);
        parallel(3, () -> {
            Shape[] shapes = new Shape[100];
            Arrays.fill(shapes, new Square());
            double own = 0;
            for (int i = 0; i < 20_000; i++) own += total(shapes);
            warm.countDown();
            try { warm.await(); } catch (InterruptedException error) { return; }
            for (int round = 0; round < 4; round++) {
                shapes[round] = round % 2 == 0 ? new Disc() : new Line();
                for (int i = 0; i < 5_000; i++) own += total(shapes);
            }
            sum.addAndGet((long) own);
        });
        System.out.println("areas: " + sum);
    }

    static void interrupts() throws Exception {
        int interrupted = 0;
        for (int i = 0; i < 100; i++) {
            int kind = i % 3;
            AtomicBoolean was = new AtomicBoolean();
            Thread sleeper = new Thread(() -> {
                try {
                    if (kind == 0) Thread.sleep(60_000);
                    else if (kind == 1) synchronized (was) { was.wait(60_000); }
                    else { LockSupport.parkNanos(60_000_000_000L); was.set(Thread.interrupted()); }
                } catch (InterruptedException error) {
                    was.set(true);
                }
            });
            sleeper.start();
            if (i % 2 == 0) Thread.sleep(1);
            sleeper.interrupt();
            sleeper.join();
            interrupted += was.get() ? 1 : 0;
        }
        System.out.println("interrupted: " + interrupted);
    }

    static void signals() throws Exception {
        Semaphore came = new Semaphore(0);
        sun.misc.Signal.handle(new sun.misc.Signal("USR2"), signal -> came.release());
        int handled = 0;
        for (int i = 0; i < 50; i++) {
            sun.misc.Signal.raise(new sun.misc.Signal("USR2"));
            handled += came.tryAcquire(30, TimeUnit.SECONDS) ? 1 : 0;
        }
        System.out.println("signals: " + handled);
    }

    public static void main(String[] arguments) throws Exception {
        safepoints();
        nulls();
        overflows();
        deoptimisation();
        interrupts();
        signals();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("shut down")));
        new ProcessBuilder("kill", "-TERM", "" + ProcessHandle.current().pid()).inheritIO().start().waitFor();
        Thread.sleep(60_000);
    }
}
