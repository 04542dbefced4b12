/* Arithmetic without a result, and instructions that are none: what of it is a NUMERIC_ERROR, and what an ILLEGAL_REQUEST. */

#include "wrong.h"

/* The compiler does not know them. */
static volatile int zero, one = 1, least = -0x7fffffff - 1, most = 0x7fffffff;
static volatile long long long_zero, long_most = 0x7fffffffffffffffLL;
static volatile double no_number, large = 1e300;
static volatile int sink;
static volatile long long long_sink;
static volatile double double_sink;

static void divides(void)
{
    sink = one / zero;
    seen("never", 1);
}

static void takes_the_rest(void)
{
    sink = one % zero;
    seen("never", 1);
}

static void divides_the_least(void)
{
    sink = least / -one;
    seen("never", 1);
}

static void divides_long(void)
{
    long_sink = long_most / long_zero;
    seen("never", 1);
}

static void adds(void)
{
    sink = most + one;
    seen("never", 1);
}

static void subtracts(void)
{
    sink = least - one;
    seen("never", 1);
}

static void multiplies_long(void)
{
    long_sink = long_most * (one + one);
    seen("never", 1);
}

static void negates(void)
{
    sink = -least;
    seen("never", 1);
}

static void divides_floating(void)
{
    double_sink = large / no_number;
    seen("never", 1);
}

static void converts(void)
{
    sink = (int)large;
    seen("never", 1);
}

/* `evaddw`, an instruction of SPE: the partition has not the upper halves of the registers. */
static void adds_by_vectors(void)
{
    __asm__ volatile(".long 0x10632200");
    seen("never", 1);
}

static void traps(void)
{
    __builtin_trap();
}

/* What no core has. */
static void makes_no_sense(void)
{
    __asm__ volatile(".long 0");
    seen("never", 1);
}

/* Scalar floating point of SPE, whose words the assembler need not know: `efsmul` and `efsdiv` of r4 and r5, with all exceptions of SPEFSCR enabled
   (FINXE, FINVE, FDBZE, FUNFE, FOVFE: e500 core family, table 2-3). QEMU makes an exception of none, and sets no flag: a core would. */
#define ALL_EXCEPTIONS 0x7c

#define SCALAR(NAME, WORD, FIRST, SECOND)                                                      \
    static void NAME(void)                                                                     \
    {                                                                                          \
        register unsigned result __asm__("r3") = 0;                                            \
        register unsigned first __asm__("r4") = FIRST;                                         \
        register unsigned second __asm__("r5") = SECOND;                                       \
        unsigned flags = ALL_EXCEPTIONS;                                                       \
        __asm__ volatile("mtspr 512, %1\n\tisync\n\t.long " WORD "\n\tisync\n\tmfspr %1, 512" \
                         : "+r"(result), "+r"(flags)                                           \
                         : "r"(first), "r"(second));                                           \
        seen("scalar", result);                                                                \
        seen("scalar.flags", flags);                                                           \
    }

#define EFSMUL "0x10642ac8"
#define EFSDIV "0x10642ac9"

SCALAR(divides_scalars, EFSDIV, 0x40c00000, 0x40000000)        /* 6 / 2 */
SCALAR(divides_by_zero_scalars, EFSDIV, 0x3f800000, 0)         /* FDBZ */
SCALAR(divides_zero_scalars, EFSDIV, 0, 0)                     /* FINV */
SCALAR(overflows_scalars, EFSMUL, 0x7f7fffff, 0x7f7fffff)      /* FOVF */
SCALAR(underflows_scalars, EFSMUL, 0x00800000, 0x00800000)     /* FUNF */
SCALAR(rounds_scalars, EFSDIV, 0x3f800000, 0x40400000)         /* FINXS: 1 / 3 */

/* It wraps, as the standard of C has it. */
static void wraps(void)
{
    sink = (int)((unsigned)most + (unsigned)one);
    seen("wrapped", sink == least);
}

void wrong_numbers(void)
{
    wrong("numeric", divides, &anywhere);
    wrong("numeric", takes_the_rest, &anywhere);
    wrong("numeric", divides_the_least, &anywhere);
    wrong("numeric", divides_long, &anywhere);
    wrong("numeric", adds, &anywhere);
    wrong("numeric", subtracts, &anywhere);
    wrong("numeric", multiplies_long, &anywhere);
    wrong("numeric", negates, &anywhere);
    wrong("numeric", divides_floating, &anywhere);
    wrong("numeric", converts, &anywhere);
    wrong("numeric", adds_by_vectors, &anywhere);
    wrong("illegal", traps, &anywhere);
    wrong("illegal", makes_no_sense, &anywhere);
    wrong("none", wraps, &anywhere);
    wrong("none", divides_scalars, &anywhere);
    wrong("none", divides_by_zero_scalars, &anywhere);
    wrong("none", divides_zero_scalars, &anywhere);
    wrong("none", overflows_scalars, &anywhere);
    wrong("none", underflows_scalars, &anywhere);
    wrong("none", rounds_scalars, &anywhere);
}
