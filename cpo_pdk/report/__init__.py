"""Tables, plots and the HTML page of one package; knows results, never how they were computed."""
