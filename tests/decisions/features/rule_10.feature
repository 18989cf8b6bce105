Feature: An employee with an active approval reads all data of a diagnostic report

  Background:
    Given I am employee "doctor" of my legal entity

  Scenario Outline: all that the rule lists
    Given patient "P" approved read of diagnostic_report "X" to employee "doctor"
    When I ask to read every <type> in patient "P" in diagnostic_report "X"
    Then it is permitted by rule_10

    Examples:
      | type |
      | observation |
      | diagnostic_report |

  Scenario: granted to their legal entity
    Given patient "P" approved read of diagnostic_report "X" to my legal entity
    When I ask to read observation "R" in patient "P" in diagnostic_report "X"
    Then it is permitted by rule_10

  Scenario: until just before it ends
    Given patient "P" approved read of diagnostic_report "X" to employee "doctor" that ends in a second
    When I ask to read observation "R" in patient "P" in diagnostic_report "X"
    Then it is permitted by rule_10

  Scenario: not at the instant of its end
    Given patient "P" approved read of diagnostic_report "X" to employee "doctor" that ends now
    When I ask to read observation "R" in patient "P" in diagnostic_report "X"
    Then it is refused as no_rule_matched

  Scenario Outline: an approval that is not active
    Given patient "P" approved read of diagnostic_report "X" to employee "doctor"
    And the approval is <status>
    When I ask to read observation "R" in patient "P" in diagnostic_report "X"
    Then it is refused as no_rule_matched

    Examples:
      | status |
      | new |
      | expired |
      | terminated |

  Scenario: not granted to a colleague
    Given patient "P" approved read of diagnostic_report "X" to employee "colleague"
    When I ask to read observation "R" in patient "P" in diagnostic_report "X"
    Then it is refused as no_rule_matched

  Scenario: not as a former employee
    Given I was employee "former" of my legal entity
    And patient "P" approved read of diagnostic_report "X" to employee "former"
    When I ask to read observation "R" in patient "P" in diagnostic_report "X"
    Then it is refused as no_rule_matched

  Scenario: not on another one
    Given patient "P" approved read of diagnostic_report "Y" to employee "doctor"
    When I ask to read observation "R" in patient "P" in diagnostic_report "X"
    Then it is refused as no_rule_matched

  Scenario: the report itself
    Given patient "P" approved read of diagnostic_report "X" to employee "doctor"
    When I ask to read diagnostic_report "X" in patient "P"
    Then it is permitted by rule_10

  Scenario: known of the record
    Given patient "P" approved read of diagnostic_report "X" to employee "doctor"
    And observation "R" of patient "P" with diagnostic_report "X"
    When I ask to read observation "R" in patient "P"
    Then it is permitted by rule_10

  Scenario: not what the rule does not list
    Given patient "P" approved read of diagnostic_report "X" to employee "doctor"
    When I ask to read every condition in patient "P" in diagnostic_report "X"
    Then it is refused as no_rule_matched

  Scenario Outline: reading alone
    Given patient "P" approved write of diagnostic_report "X" to employee "doctor"
    When I ask to <action> observation "R" in patient "P" in diagnostic_report "X"
    Then it is refused as no_rule_matched

    Examples:
      | action |
      | write |
      | create |
      | update |
      | delete |
      | action |
