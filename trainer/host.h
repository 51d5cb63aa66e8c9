/* Who this machine is: the name and address that reports carry. */
#ifndef MUSTER_TRAINER_HOST_H
#define MUSTER_TRAINER_HOST_H

enum { HOST_NAME = 256, HOST_IP = 64 };

/* The host's name. */
void host_name(char out[HOST_NAME]);

/* The first address of an interface that is up and not the loopback, IPv4 before IPv6;
 * "127.0.0.1" when there is none. */
void host_ip(char out[HOST_IP]);

#endif
