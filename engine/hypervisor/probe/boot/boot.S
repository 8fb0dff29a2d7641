/*
 * The guest that the probe starts: a boot sector that does what boot loaders and kernels do at their start. It writes one character to QEMU's debug
 * console (port 0xe9) for each step that it has done, and ends through isa-debug-exit (port 0xf4) after the last:
 *
 *   1  real mode runs, and the BIOS answered a disk read (interrupt and iret)
 *   2  protected mode runs, and a software interrupt came back by iret (boot loaders call the BIOS so)
 *   3  long mode runs, with page tables
 *   4  the timer ended a hlt, and iretq went back to it
 *   5  user mode ran, and came back by syscall
 *
 * Some virtualization without help of the processor runs the first step and stops a guest at a later one.
 *
 * cd engine/hypervisor/probe/boot && as -o boot.o boot.S && ld -N -Ttext=0x7c00 --oformat=binary -e start -o boot.bin boot.o && rm boot.o
 */
.set CODE32, 0x08
.set DATA, 0x10
.set CODE64, 0x18
.set DATA64, 0x20       /* syscall takes the selector after the code's as the stack's */
.set USER, 0x23         /* sysretq: the stack's selector is 8 after this, the code's 16 after */
.set TABLES, 0x1000     /* three page tables */
.set IDT, 0x5000
.set VECTOR, 0x20
.set FROM_BIOS, 0x6000  /* where the BIOS puts the sector that it reads */

.macro step character
	movb $\character, %al
	outb %al, $0xe9
.endm

.code16
.globl start
start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	movw $0x0201, %ax       /* one sector: this one */
	movw $0x0001, %cx
	xorb %dh, %dh
	movw $FROM_BIOS, %bx
	int $0x13
	jc stop16
	cmpw $0xaa55, FROM_BIOS + 510
	jne stop16
	cli
	step '1'
	lgdt gdt_at
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $CODE32, $protected
stop16:
	hlt
	jmp stop16

.code32
protected:
	movw $DATA, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $0x7c00, %esp
	movl $handler32, %eax   /* a gate: offset, selector, present interrupt gate */
	movl $IDT + VECTOR * 8, %edi
	movw %ax, (%edi)
	movw $CODE32, 2(%edi)
	movl $0x8e00, 4(%edi)
	lidt idt_at
	xorl %ebx, %ebx
	int $VECTOR
	cmpl $0x5a, %ebx
stop32:
	jne stop32
	step '2'
	movl $TABLES, %edi      /* the first 2 MiB, for user mode too */
	xorl %eax, %eax
	movl $0x3000 / 4, %ecx
	rep stosl
	movl $TABLES + 0x1007, TABLES
	movl $TABLES + 0x2007, TABLES + 0x1000
	movl $0x87, TABLES + 0x2000
	movl $TABLES, %eax
	movl %eax, %cr3
	movl $0x20, %eax        /* PAE */
	movl %eax, %cr4
	movl $0xc0000080, %ecx  /* EFER: long mode, syscall */
	movl $0x101, %eax
	xorl %edx, %edx
	wrmsr
	movl $0x80000011, %eax
	movl %eax, %cr0
	ljmpl $CODE64, $long
handler32:
	pushal
	popal
	movb $0x5a, %bl
	iretl

.code64
long:
	movl $DATA64, %eax
	movl %eax, %ss
	step '3'
	movl $handler64, %eax
	movl $IDT + VECTOR * 16, %edi
	movw %ax, (%rdi)
	movw $CODE64, 2(%rdi)
	movl $0x8e00, 4(%rdi)
	movq $0, 8(%rdi)
	lidt idt_at
	movl $pic, %esi         /* interrupt controllers: the timer alone, at VECTOR */
	movl $pic_end - pic, %ecx
	xorl %edx, %edx
1:	lodsb
	movb %al, %dl
	lodsb
	outb %al, %dx
	subl $2, %ecx
	jnz 1b
	xorl %ebx, %ebx
2:	sti
	hlt
	cli
	cmpl $2, %ebx
	jb 2b
	step '4'
	movl $0xc0000081, %ecx  /* STAR: the selectors; LSTAR: the entry */
	xorl %eax, %eax
	movl $CODE64 | USER << 16, %edx
	wrmsr
	incl %ecx
	movl $kernel, %eax
	xorl %edx, %edx
	wrmsr
	movl $user, %ecx
	movl $2, %r11d
	sysretq
user:
	movl $0x15, %edi
	syscall
kernel:
	step '5'
	movl %edi, %eax
	outb %al, $0xf4
stop64:
	hlt
	jmp stop64
handler64:
	incl %ebx
	movb $0x20, %al
	outb %al, $0x20
	iretq

pic:	/* port, value: the 8259s' four words each, their masks, and the 8254's channel 0 at 100 Hz */
	.byte 0x20, 0x11, 0x21, VECTOR, 0x21, 4, 0x21, 1, 0x21, 0xfe
	.byte 0xa0, 0x11, 0xa1, VECTOR + 8, 0xa1, 2, 0xa1, 1, 0xa1, 0xff
	.byte 0x43, 0x34, 0x40, 0x9c, 0x40, 0x2e
pic_end:

.balign 8
gdt:
	.quad 0
	.quad 0x00cf9a000000ffff /* code, 32 bits */
	.quad 0x00cf92000000ffff /* data */
	.quad 0x00af9a000000ffff /* code, 64 bits */
	.quad 0x00cf92000000ffff /* data beside it */
	.quad 0x00cff2000000ffff /* user's data: USER + 8 */
	.quad 0x00affa000000ffff /* user's code: USER + 16 */
gdt_end:
gdt_at:
	.word gdt_end - gdt - 1
	.long gdt, 0
idt_at:
	.word 0x3ff
	.long IDT, 0

.org 510
	.byte 0x55, 0xaa
