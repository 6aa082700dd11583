use super::*;

/// The footprint of these bytes, at an address of their own.
fn of(bytes: &[u8]) -> Footprint {
    let code = Code { bytes, base: 0x1000 };
    Footprint::of(&code, 0x1000)
}

/// Whether only these parts are touched, and FS is not needed.
fn touches(bytes: &[u8], parts: Parts) {
    assert_eq!(of(bytes), Footprint::of_parts(parts), "{bytes:x?}");
}

fn anything(bytes: &[u8]) {
    assert_eq!(of(bytes), Footprint::ANYTHING, "{bytes:x?}");
}

#[test]
fn general_registers_are_nothing() {
    // endbr64; movq $4242,0x38(%rdi); mov $2,%eax; ret
    touches(
        b"\xf3\x0f\x1e\xfa\x48\xc7\x47\x38\x92\x10\x00\x00\xb8\x02\x00\x00\x00\xc3",
        Parts::NONE,
    );
    // rep stosq; lock xadd %eax,(%rdi); andn %eax,%ebx,%ecx; cmovne; leave; ret
    touches(
        b"\xf3\x48\xab\xf0\x0f\xc1\x07\xc4\xe2\x60\xf2\xc8\x0f\x45\xc1\xc9\xc3",
        Parts::NONE,
    );
    // movups (%rdi),%xmm0; pxor %xmm1,%xmm1; ret
    touches(b"\x0f\x10\x07\x66\x0f\xef\xc9\xc3", Parts::NONE);
}

#[test]
fn each_part_is_seen() {
    // addsd %xmm1,%xmm0
    touches(b"\xf2\x0f\x58\xc1\xc3", Parts::MXCSR);
    // ldmxcsr (%rdi)
    touches(b"\x0f\xae\x17\xc3", Parts::MXCSR);
    // fldz; emms; movq %mm0,%rax; fwait
    touches(b"\xd9\xee\xc3", Parts::X87);
    touches(b"\x0f\x77\xc3", Parts::X87);
    touches(b"\x48\x0f\x7e\xc0\xc3", Parts::X87);
    touches(b"\x9b\xc3", Parts::X87);
    // fisttpl (%rax)
    touches(b"\xdb\x08\xc3", Parts::X87);
    // cvtpi2ps %mm0,%xmm0
    touches(b"\x0f\x2a\xc0\xc3", Parts::X87.with(Parts::MXCSR));
    let wide = Parts::UPPER.with(Parts::MXCSR);
    // vpxor %xmm0,%xmm0,%xmm0; vzeroupper
    touches(b"\xc5\xf9\xef\xc0\xc3", wide);
    touches(b"\xc5\xf8\x77\xc3", wide);
    // vpxord %zmm1,%zmm0,%zmm0, then with %zmm17 in the place of the first
    touches(b"\x62\xf1\x7d\x48\xef\xc1\xc3", wide);
    touches(b"\x62\xb1\x7d\x48\xef\xc1\xc3", wide.with(Parts::HIGH));
    // the same with a mask; kmovw %eax,%k1
    touches(b"\x62\xf1\x7d\x49\xef\xc1\xc3", wide.with(Parts::MASKS));
    touches(b"\xc5\xf8\x92\xc8\xc3", wide.with(Parts::MASKS));
    // mov %fs:0x28,%rax
    let canary = of(b"\x64\x48\x8b\x04\x25\x28\x00\x00\x00\xc3");
    assert_eq!((canary.parts, canary.thread_block), (Parts::NONE, true));
}

#[test]
fn every_way_is_followed() {
    // je over; jmp back to a vector instruction behind the first ret
    touches(b"\x74\x01\xc3\xd9\xee\xc3", Parts::X87);
    // call 1f; ret; 1: fldz; ret
    touches(b"\xe8\x01\x00\x00\x00\xc3\xd9\xee\xc3", Parts::X87);
    // a loop: 1: dec %eax; jne 1b; ret
    touches(b"\xff\xc8\x75\xfc\xc3", Parts::NONE);
    // ud2 ends a way
    touches(b"\x74\x02\x0f\x0b\xc3", Parts::NONE);
}

#[test]
fn what_leaves_the_code_may_do_anything() {
    // call *%rax; jmp *%rax; jmp *0(%rip); call and jmp out of the code
    anything(b"\xff\xd0\xc3");
    anything(b"\xff\xe0");
    anything(b"\xff\x25\x00\x00\x00\x00");
    anything(b"\xe8\x00\x10\x00\x00\xc3");
    anything(b"\xe9\x00\x10\x00\x00");
    // syscall; int $0x80; no end; no instruction
    anything(b"\x0f\x05\xc3");
    anything(b"\xcd\x80\xc3");
    anything(b"\x90\x90");
    anything(b"\x06\xc3");
    anything(b"");
    // a far return; iretq
    anything(b"\xcb");
    anything(b"\x48\xcf");
}

#[test]
fn a_return_that_is_a_jump_may_do_anything() {
    // mov %rax,(%rsp); ret
    anything(b"\x48\x89\x04\x24\xc3");
    // push %rax; ret
    anything(b"\x50\xc3");
    // mov %rax,-8(%rsp); ret
    touches(b"\x48\x89\x44\x24\xf8\xc3", Parts::NONE);
}

#[test]
fn what_is_not_known_may_do_anything() {
    // wrfsbase %rax; mov %eax,%fs; push %fs; lgs (%rax),%eax; mov %gs:0,%eax
    anything(b"\xf3\x48\x0f\xae\xd0\xc3");
    anything(b"\x8e\xe0\xc3");
    anything(b"\x0f\xa0\xc3");
    anything(b"\x0f\xb5\x00\xc3");
    anything(b"\x65\x8b\x04\x25\x00\x00\x00\x00\xc3");
    // fxrstor (%rax); xrstor (%rax); xbegin; wrpkru; tilezero %tmm0
    anything(b"\x0f\xae\x08\xc3");
    anything(b"\x0f\xae\x28\xc3");
    anything(b"\xc7\xf8\x00\x00\x00\x00\xc3");
    anything(b"\x0f\x01\xef\xc3");
    anything(b"\xc4\xe2\x7b\x49\xc0\xc3");
}

#[test]
fn long_code_may_do_anything() {
    let mut code = vec![0x90; INSTRUCTIONS];
    code.push(0xc3);
    anything(&code);
}
