"""The pages: public look-up and alerts, and the laboratory's own."""
