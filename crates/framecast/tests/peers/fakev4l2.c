// A webcam for programs that want a V4L2 device where there is none: a library to preload into ustreamer, which then is
// a real source for the tests of the `http` driver.
//
// It is a V4L2 MJPEG webcam for a machine whose
// kernel has no video devices. It answers for the path $FAKEV4L2_PATH (default /dev/video0), hands out the JPEG
// $FAKEV4L2_JPEG at $FAKEV4L2_FPS (default 30) frames a second, each stamped with its sequence number and birth
// time in a comment segment. Build: cc -O2 -shared -fPIC fakev4l2.c -o fakev4l2.so -ldl -lpthread
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define NBUF 8
#define BUFSZ (2 << 20)
static struct { int fd, tell, on, nbuf; unsigned char *mem; int state[NBUF]; unsigned used[NBUF], seqs[NBUF]; struct timeval ts[NBUF];
  int done[NBUF], ndone; unsigned seq; pthread_t th; int w, h, num, den; unsigned char *jpg; size_t len; } D = {.fd = -1, .w = 1280, .h = 720};
static pthread_mutex_t M = PTHREAD_MUTEX_INITIALIZER;
static const char *path(void) { const char *p = getenv("FAKEV4L2_PATH"); return p ? p : "/dev/video0"; }

static void load(void) {
  if (D.jpg) return;
  FILE *f = fopen(getenv("FAKEV4L2_JPEG"), "rb"); if (!f) { perror("FAKEV4L2_JPEG"); _exit(9); }
  D.jpg = malloc(BUFSZ); D.len = fread(D.jpg, 1, BUFSZ - 64, f); fclose(f);
  for (size_t i = 2; i + 9 < D.len; i++) if (D.jpg[i] == 0xff && (D.jpg[i+1] == 0xc0 || D.jpg[i+1] == 0xc2)) { D.h = D.jpg[i+5] << 8 | D.jpg[i+6]; D.w = D.jpg[i+7] << 8 | D.jpg[i+8]; break; }
  double fps = getenv("FAKEV4L2_FPS") ? atof(getenv("FAKEV4L2_FPS")) : 30; D.num = 1000; D.den = fps * 1000;
}
static void *producer(void *x) {
  struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); long step = 1000000000L / D.den * D.num;
  for (;;) {
    t.tv_nsec += step; while (t.tv_nsec >= 1000000000L) { t.tv_nsec -= 1000000000L; t.tv_sec++; }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    pthread_mutex_lock(&M);
    if (!D.on) { pthread_mutex_unlock(&M); return NULL; }
    D.seq++;
    int b = -1; for (int i = 0; i < D.nbuf; i++) if (D.state[i] == 1) { b = i; break; }
    if (b >= 0) {
      struct timespec r, m; clock_gettime(CLOCK_REALTIME, &r); clock_gettime(CLOCK_MONOTONIC, &m);
      unsigned char *p = D.mem + (size_t)b * BUFSZ; char tag[40];
      snprintf(tag, sizeof tag, "MJB1%016llx%016llx", (unsigned long long)D.seq, (unsigned long long)r.tv_sec * 1000000000ULL + r.tv_nsec);
      p[0] = 0xff; p[1] = 0xd8; p[2] = 0xff; p[3] = 0xfe; p[4] = 0; p[5] = 38; memcpy(p + 6, tag, 36); memcpy(p + 42, D.jpg + 2, D.len - 2);
      D.used[b] = D.len + 40; D.seqs[b] = D.seq; D.ts[b].tv_sec = m.tv_sec; D.ts[b].tv_usec = m.tv_nsec / 1000; D.state[b] = 2; D.done[D.ndone++] = b;
      unsigned long long one = 1; if (write(D.tell, &one, 8) < 0) {}
    }
    pthread_mutex_unlock(&M);
  }
}
static int vioctl(unsigned long req, void *a) {
  switch ((unsigned)req) {
  case VIDIOC_QUERYCAP: { struct v4l2_capability *c = a; memset(c, 0, sizeof *c); strcpy((char *)c->driver, "fakev4l2"); strcpy((char *)c->card, "Fake webcam"); strcpy((char *)c->bus_info, "fake:0"); c->version = 0x60100; c->capabilities = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_DEVICE_CAPS; c->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING; return 0; }
  case VIDIOC_ENUMINPUT: { struct v4l2_input *i = a; if (i->index) break; strcpy((char *)i->name, "Camera 1"); i->type = V4L2_INPUT_TYPE_CAMERA; return 0; }
  case VIDIOC_G_INPUT: *(int *)a = 0; return 0;
  case VIDIOC_S_INPUT: return 0;
  case VIDIOC_ENUM_FMT: { struct v4l2_fmtdesc *f = a; if (f->index) break; f->flags = V4L2_FMT_FLAG_COMPRESSED; strcpy((char *)f->description, "Motion-JPEG"); f->pixelformat = V4L2_PIX_FMT_MJPEG; return 0; }
  case VIDIOC_ENUM_FRAMESIZES: { struct v4l2_frmsizeenum *f = a; if (f->index || f->pixel_format != V4L2_PIX_FMT_MJPEG) break; f->type = V4L2_FRMSIZE_TYPE_DISCRETE; f->discrete.width = D.w; f->discrete.height = D.h; return 0; }
  case VIDIOC_ENUM_FRAMEINTERVALS: { struct v4l2_frmivalenum *f = a; if (f->index) break; f->type = V4L2_FRMIVAL_TYPE_DISCRETE; f->discrete.numerator = D.num; f->discrete.denominator = D.den; return 0; }
  case VIDIOC_G_FMT: case VIDIOC_S_FMT: case VIDIOC_TRY_FMT: { struct v4l2_format *f = a; if (f->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) break; memset(&f->fmt.pix, 0, sizeof f->fmt.pix); f->fmt.pix.width = D.w; f->fmt.pix.height = D.h; f->fmt.pix.pixelformat = V4L2_PIX_FMT_MJPEG; f->fmt.pix.field = V4L2_FIELD_NONE; f->fmt.pix.sizeimage = BUFSZ; f->fmt.pix.colorspace = V4L2_COLORSPACE_SRGB; return 0; }
  case VIDIOC_G_PARM: case VIDIOC_S_PARM: { struct v4l2_streamparm *p = a; p->parm.capture.capability = V4L2_CAP_TIMEPERFRAME; p->parm.capture.timeperframe.numerator = D.num; p->parm.capture.timeperframe.denominator = D.den; return 0; }
  case VIDIOC_REQBUFS: { struct v4l2_requestbuffers *r = a; if (r->memory != V4L2_MEMORY_MMAP) break; if (r->count > NBUF) r->count = NBUF; D.nbuf = r->count; if (!D.mem) D.mem = mmap(NULL, (size_t)NBUF * BUFSZ, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); memset(D.state, 0, sizeof D.state); D.ndone = 0; r->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP; return 0; }
  case VIDIOC_QUERYBUF: { struct v4l2_buffer *b = a; if ((int)b->index >= D.nbuf) break; b->length = BUFSZ; b->m.offset = b->index * BUFSZ; b->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC; return 0; }
  case VIDIOC_QBUF: { struct v4l2_buffer *b = a; pthread_mutex_lock(&M); D.state[b->index] = 1; pthread_mutex_unlock(&M); return 0; }
  case VIDIOC_DQBUF: { struct v4l2_buffer *b = a; unsigned long long v; ssize_t r = read(D.fd, &v, 8); if (r < 0) return -1; pthread_mutex_lock(&M); int i = D.done[0]; memmove(D.done, D.done + 1, sizeof(int) * --D.ndone); D.state[i] = 0; b->index = i; b->bytesused = D.used[i]; b->sequence = D.seqs[i]; b->timestamp = D.ts[i]; b->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_DONE; b->field = V4L2_FIELD_NONE; b->length = BUFSZ; pthread_mutex_unlock(&M); return 0; }
  case VIDIOC_STREAMON: D.on = 1; pthread_create(&D.th, NULL, producer, NULL); return 0;
  case VIDIOC_STREAMOFF: if (D.on) { pthread_mutex_lock(&M); D.on = 0; pthread_mutex_unlock(&M); pthread_join(D.th, NULL); unsigned long long v; while (D.ndone-- > 0) if (read(D.fd, &v, 8) < 0) break; D.ndone = 0; } return 0;
  }
  errno = EINVAL; return -1;
}
// The reading end of a pipe: like a camera it is never ready to be written to, which ustreamer takes for an unplugging.
static int do_open(int flags) {
  load();
  int ends[2]; if (pipe2(ends, O_CLOEXEC | (flags & O_NONBLOCK))) return -1;
  fcntl(ends[1], F_SETFL, O_NONBLOCK); D.tell = ends[1]; return D.fd = ends[0];
}
#define REAL(ret, name, ...) static ret (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, #name)
int open(const char *p, int fl, ...) { va_list v; va_start(v, fl); int m = va_arg(v, int); va_end(v); REAL(int, open, const char *, int, ...); return strcmp(p, path()) ? real(p, fl, m) : do_open(fl); }
int open64(const char *p, int fl, ...) { va_list v; va_start(v, fl); int m = va_arg(v, int); va_end(v); REAL(int, open64, const char *, int, ...); return strcmp(p, path()) ? real(p, fl, m) : do_open(fl); }
int openat(int d, const char *p, int fl, ...) { va_list v; va_start(v, fl); int m = va_arg(v, int); va_end(v); REAL(int, openat, int, const char *, int, ...); return strcmp(p, path()) ? real(d, p, fl, m) : do_open(fl); }
int ioctl(int fd, unsigned long req, ...) { va_list v; va_start(v, req); void *a = va_arg(v, void *); va_end(v); if (fd == D.fd && fd >= 0) return vioctl(req, a); REAL(int, ioctl, int, unsigned long, ...); return real(fd, req, a); }
void *mmap(void *ad, size_t l, int pr, int fl, int fd, off_t o) { REAL(void *, mmap, void *, size_t, int, int, int, off_t); return (fd >= 0 && fd == D.fd) ? D.mem + o : real(ad, l, pr, fl, fd, o); }
void *mmap64(void *ad, size_t l, int pr, int fl, int fd, off_t o) { REAL(void *, mmap64, void *, size_t, int, int, int, off_t); return (fd >= 0 && fd == D.fd) ? D.mem + o : real(ad, l, pr, fl, fd, o); }
int munmap(void *ad, size_t l) { REAL(int, munmap, void *, size_t); if (D.mem && (unsigned char *)ad >= D.mem && (unsigned char *)ad < D.mem + (size_t)NBUF * BUFSZ) return 0; return real(ad, l); }
int close(int fd) { REAL(int, close, int); if (fd >= 0 && fd == D.fd) { vioctl(VIDIOC_STREAMOFF, NULL); D.fd = -1; real(D.tell); } return real(fd); }
int access(const char *p, int m) { REAL(int, access, const char *, int); return strcmp(p, path()) ? real(p, m) : 0; }
int stat(const char *p, struct stat *s) { REAL(int, stat, const char *, struct stat *); if (strcmp(p, path())) return real(p, s); memset(s, 0, sizeof *s); s->st_mode = S_IFCHR | 0666; s->st_rdev = makedev(81, 0); return 0; }
