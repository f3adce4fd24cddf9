// MJPEG webcams for programs that want V4L2 devices on a machine that has none: a library to preload into ustreamer, or into
// a framecast that calls the C library (built with `--features rustix/use-libc`).
//
// Every path that begins with $FAKEV4L2_PATH (default /dev/video0) is a webcam of its own. It hands out the JPEG
// $FAKEV4L2_JPEG at $FAKEV4L2_FPS (default 30) frames a second. Behind SOI each frame has a comment segment: "BORN", the
// frame's number and the nanoseconds of its birth since 1970, as 16 hexadecimal digits each. A viewer on the same machine
// learns from it how old a frame is.
//
// An open webcam that gives frames is seen from outside as a thread called "webcam".
//
// Build: cc -O2 -shared -fPIC fakev4l2.c -o fakev4l2.so -ldl -lpthread
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

#define DEVICES 64
#define BUFFERS 8
#define BUFFER_SIZE (2 << 20)
// SOI, and the comment with "BORN" and two numbers.
#define BORN_SIZE (2 + 4 + 36)

#define REAL(type, name, ...)            \
  static type (*real)(__VA_ARGS__);      \
  if (!real) real = dlsym(RTLD_NEXT, #name)

enum state { OURS, QUEUED, FULL };

struct buffer {
  enum state state;
  unsigned used, sequence;
  struct timeval taken;
};

// What one open webcam has. Its descriptor is the reading end of a pipe with one byte for each full buffer: like a camera it
// is never ready to be written to, which ustreamer takes for an unplugging.
struct device {
  int open, fd, tell, on;
  unsigned char *memory;
  unsigned count, sequence;
  struct buffer buffers[BUFFERS];
  unsigned full[BUFFERS], full_count;
  pthread_t producer;
};

static struct device devices[DEVICES];
// Held for a few instructions and the copy of one picture.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
  unsigned char *jpeg;
  size_t size;
  unsigned width, height, numerator, denominator;
} picture;

static int close_real(int fd) {
  REAL(int, close, int);
  return real(fd);
}

static int is_webcam(const char *path) {
  const char *prefix = getenv("FAKEV4L2_PATH");
  if (!prefix) prefix = "/dev/video0";
  return path && !strncmp(path, prefix, strlen(prefix));
}

static struct device *device_of(int fd) {
  for (int i = 0; fd >= 0 && i < DEVICES; i++)
    if (devices[i].open && devices[i].fd == fd) return &devices[i];
  return NULL;
}

static void load_picture(void) {
  if (picture.jpeg) return;
  const char *path = getenv("FAKEV4L2_JPEG");
  FILE *file = path ? fopen(path, "rb") : NULL;
  if (!file) {
    perror("FAKEV4L2_JPEG");
    _exit(9);
  }
  unsigned char *jpeg = malloc(BUFFER_SIZE);
  picture.size = fread(jpeg, 1, BUFFER_SIZE - BORN_SIZE, file);
  fclose(file);
  picture.width = 1280, picture.height = 720;
  // The first baseline or progressive frame header has the size.
  for (size_t i = 2; i + 9 < picture.size; i++)
    if (jpeg[i] == 0xff && (jpeg[i + 1] == 0xc0 || jpeg[i + 1] == 0xc2)) {
      picture.height = jpeg[i + 5] << 8 | jpeg[i + 6];
      picture.width = jpeg[i + 7] << 8 | jpeg[i + 8];
      break;
    }
  const char *fps = getenv("FAKEV4L2_FPS");
  picture.numerator = 1000;
  picture.denominator = (fps ? atof(fps) : 30) * 1000;
  picture.jpeg = jpeg;
}

static void fill(struct device *device, unsigned index) {
  struct buffer *buffer = &device->buffers[index];
  unsigned char *memory = device->memory + (size_t)index * BUFFER_SIZE;
  struct timespec wall, monotonic;
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_MONOTONIC, &monotonic);
  char born[37];
  snprintf(born, sizeof born, "BORN%016llx%016llx", (unsigned long long)device->sequence,
           (unsigned long long)wall.tv_sec * 1000000000ULL + wall.tv_nsec);
  memcpy(memory, "\xff\xd8\xff\xfe\x00\x26", 6);
  memcpy(memory + 6, born, 36);
  memcpy(memory + BORN_SIZE, picture.jpeg + 2, picture.size - 2);
  buffer->used = picture.size + BORN_SIZE - 2;
  buffer->sequence = device->sequence;
  buffer->taken.tv_sec = monotonic.tv_sec;
  buffer->taken.tv_usec = monotonic.tv_nsec / 1000;
  buffer->state = FULL;
  device->full[device->full_count++] = index;
  if (write(device->tell, "", 1) < 0) perror("fakev4l2");
}

static void *produce(void *argument) {
  struct device *device = argument;
  pthread_setname_np(pthread_self(), "webcam");
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  long long step = 1000000000LL * picture.numerator / picture.denominator;
  for (;;) {
    long long nanoseconds = next.tv_nsec + step;
    next.tv_sec += nanoseconds / 1000000000LL;
    next.tv_nsec = nanoseconds % 1000000000LL;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    pthread_mutex_lock(&lock);
    int on = device->on;
    if (on) {
      device->sequence++;
      for (unsigned i = 0; i < device->count; i++)
        if (device->buffers[i].state == QUEUED) {
          fill(device, i);
          break;
        }
    }
    pthread_mutex_unlock(&lock);
    if (!on) return NULL;
  }
}

static void stream_off(struct device *device) {
  pthread_mutex_lock(&lock);
  int was_on = device->on;
  device->on = 0;
  pthread_mutex_unlock(&lock);
  if (!was_on) return;
  pthread_join(device->producer, NULL);
  char byte;
  while (device->full_count > 0 && read(device->fd, &byte, 1) == 1) device->full_count--;
  device->full_count = 0;
  for (unsigned i = 0; i < BUFFERS; i++) device->buffers[i].state = OURS;
}

static int dequeue(struct device *device, struct v4l2_buffer *buffer) {
  char byte;
  if (read(device->fd, &byte, 1) != 1) return -1;
  pthread_mutex_lock(&lock);
  unsigned index = device->full[0];
  memmove(device->full, device->full + 1, sizeof device->full[0] * --device->full_count);
  struct buffer *full = &device->buffers[index];
  full->state = OURS;
  buffer->index = index;
  buffer->bytesused = full->used;
  buffer->sequence = full->sequence;
  buffer->timestamp = full->taken;
  buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_DONE;
  buffer->field = V4L2_FIELD_NONE;
  buffer->length = BUFFER_SIZE;
  pthread_mutex_unlock(&lock);
  return 0;
}

static int call(struct device *device, unsigned request, void *argument) {
  switch (request) {
    case VIDIOC_QUERYCAP: {
      struct v4l2_capability *it = argument;
      memset(it, 0, sizeof *it);
      strcpy((char *)it->driver, "fakev4l2");
      strcpy((char *)it->card, "Fake webcam");
      strcpy((char *)it->bus_info, "fake:0");
      it->version = 0x60100;
      it->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
      it->capabilities = it->device_caps | V4L2_CAP_DEVICE_CAPS;
      return 0;
    }
    case VIDIOC_ENUMINPUT: {
      struct v4l2_input *it = argument;
      if (it->index) break;
      strcpy((char *)it->name, "Camera 1");
      it->type = V4L2_INPUT_TYPE_CAMERA;
      return 0;
    }
    case VIDIOC_G_INPUT:
      *(int *)argument = 0;
      return 0;
    case VIDIOC_S_INPUT:
      return 0;
    case VIDIOC_ENUM_FMT: {
      struct v4l2_fmtdesc *it = argument;
      if (it->index) break;
      it->flags = V4L2_FMT_FLAG_COMPRESSED;
      strcpy((char *)it->description, "Motion-JPEG");
      it->pixelformat = V4L2_PIX_FMT_MJPEG;
      return 0;
    }
    case VIDIOC_ENUM_FRAMESIZES: {
      struct v4l2_frmsizeenum *it = argument;
      if (it->index || it->pixel_format != V4L2_PIX_FMT_MJPEG) break;
      it->type = V4L2_FRMSIZE_TYPE_DISCRETE;
      it->discrete.width = picture.width;
      it->discrete.height = picture.height;
      return 0;
    }
    case VIDIOC_ENUM_FRAMEINTERVALS: {
      struct v4l2_frmivalenum *it = argument;
      if (it->index) break;
      it->type = V4L2_FRMIVAL_TYPE_DISCRETE;
      it->discrete.numerator = picture.numerator;
      it->discrete.denominator = picture.denominator;
      return 0;
    }
    case VIDIOC_G_FMT:
    case VIDIOC_S_FMT:
    case VIDIOC_TRY_FMT: {
      struct v4l2_format *it = argument;
      if (it->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) break;
      memset(&it->fmt.pix, 0, sizeof it->fmt.pix);
      it->fmt.pix.width = picture.width;
      it->fmt.pix.height = picture.height;
      it->fmt.pix.pixelformat = V4L2_PIX_FMT_MJPEG;
      it->fmt.pix.field = V4L2_FIELD_NONE;
      it->fmt.pix.sizeimage = BUFFER_SIZE;
      it->fmt.pix.colorspace = V4L2_COLORSPACE_SRGB;
      return 0;
    }
    case VIDIOC_G_PARM:
    case VIDIOC_S_PARM: {
      struct v4l2_streamparm *it = argument;
      it->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
      it->parm.capture.timeperframe.numerator = picture.numerator;
      it->parm.capture.timeperframe.denominator = picture.denominator;
      return 0;
    }
    case VIDIOC_REQBUFS: {
      struct v4l2_requestbuffers *it = argument;
      if (it->memory != V4L2_MEMORY_MMAP) break;
      if (it->count > BUFFERS) it->count = BUFFERS;
      device->count = it->count;
      device->full_count = 0;
      it->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP;
      return 0;
    }
    case VIDIOC_QUERYBUF: {
      struct v4l2_buffer *it = argument;
      if (it->index >= device->count) break;
      it->length = BUFFER_SIZE;
      it->m.offset = it->index * BUFFER_SIZE;
      it->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
      return 0;
    }
    case VIDIOC_QBUF: {
      struct v4l2_buffer *it = argument;
      if (it->index >= device->count) break;
      pthread_mutex_lock(&lock);
      device->buffers[it->index].state = QUEUED;
      pthread_mutex_unlock(&lock);
      return 0;
    }
    case VIDIOC_DQBUF:
      return dequeue(device, argument);
    case VIDIOC_STREAMON:
      device->on = 1;
      pthread_create(&device->producer, NULL, produce, device);
      return 0;
    case VIDIOC_STREAMOFF:
      stream_off(device);
      return 0;
  }
  errno = EINVAL;
  return -1;
}

static int open_webcam(int flags) {
  pthread_mutex_lock(&lock);
  load_picture();
  struct device *device = NULL;
  for (int i = 0; i < DEVICES && !device; i++)
    if (!devices[i].open) device = &devices[i];
  int ends[2];
  if (!device || pipe2(ends, O_CLOEXEC | (flags & O_NONBLOCK))) {
    pthread_mutex_unlock(&lock);
    errno = EBUSY;
    return -1;
  }
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  unsigned char *memory = device->memory;
  memset(device, 0, sizeof *device);
  if (!memory)
    memory = mmap(NULL, (size_t)BUFFERS * BUFFER_SIZE, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  device->memory = memory;
  device->fd = ends[0];
  device->tell = ends[1];
  device->open = 1;
  pthread_mutex_unlock(&lock);
  return device->fd;
}

// What of the C library a program reaches a camera by.

#define MODE(flags)                          \
  va_list arguments;                         \
  va_start(arguments, flags);                \
  int mode = va_arg(arguments, int);         \
  va_end(arguments)

int open(const char *path, int flags, ...) {
  MODE(flags);
  REAL(int, open, const char *, int, ...);
  return is_webcam(path) ? open_webcam(flags) : real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE(flags);
  REAL(int, open64, const char *, int, ...);
  return is_webcam(path) ? open_webcam(flags) : real(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
  MODE(flags);
  REAL(int, openat, int, const char *, int, ...);
  return is_webcam(path) ? open_webcam(flags) : real(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
  MODE(flags);
  REAL(int, openat64, int, const char *, int, ...);
  return is_webcam(path) ? open_webcam(flags) : real(folder, path, flags, mode);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  struct device *device = device_of(fd);
  if (device) return call(device, (unsigned)request, argument);
  REAL(int, ioctl, int, unsigned long, ...);
  return real(fd, request, argument);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  struct device *device = device_of(fd);
  if (device) return device->memory + offset;
  REAL(void *, mmap, void *, size_t, int, int, int, off_t);
  return real(address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  struct device *device = device_of(fd);
  if (device) return device->memory + offset;
  REAL(void *, mmap64, void *, size_t, int, int, int, off_t);
  return real(address, length, protection, flags, fd, offset);
}

int munmap(void *address, size_t length) {
  unsigned char *start = address;
  for (int i = 0; i < DEVICES; i++) {
    unsigned char *memory = devices[i].memory;
    if (memory && start >= memory && start < memory + (size_t)BUFFERS * BUFFER_SIZE) return 0;
  }
  REAL(int, munmap, void *, size_t);
  return real(address, length);
}

int close(int fd) {
  struct device *device = device_of(fd);
  if (device) {
    stream_off(device);
    device->open = 0;
    close_real(device->tell);
  }
  return close_real(fd);
}

int access(const char *path, int mode) {
  REAL(int, access, const char *, int);
  return is_webcam(path) ? 0 : real(path, mode);
}

int stat(const char *path, struct stat *it) {
  REAL(int, stat, const char *, struct stat *);
  if (!is_webcam(path)) return real(path, it);
  memset(it, 0, sizeof *it);
  it->st_mode = S_IFCHR | 0666;
  it->st_rdev = makedev(81, 0);
  return 0;
}
